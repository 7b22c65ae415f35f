/** The damaged database is renamed away at once, while the capture still holds it, and hashed after. */
import { step } from '../runbook.ts'

const manifestName = 'manifest.json'

export const preserveEvidence = step({
  name: 'preserve-evidence',
  phase: 'immediate',
  title: 'Create immediate backup (preserve evidence)',
  does: 'Renames the database with its -wal, -shm and -journal into the evidence folder, then lets the capture go, then writes a manifest of SHA-256 hashes.',
  // The order matters: a last connection that closes before the rename checkpoints into the evidence and deletes its log.
  effect: { kind: 'idempotent', because: 'What is renamed is no longer there to be renamed again; the folder is named by the run.' },
  undo: { does: 'Stop whatever has the database open and rename the files back; nothing in them was changed.' },
  needs: ['files', 'capture', 'clock'],
  async foresee({ files }, { settings }) {
    const folder = await files.evidenceFolder(settings.database, settings.evidenceFolder)
    const facts = await files.stat(settings.database)
    const because =
      facts === null ? 'there is no database to set aside' : `would rename ${settings.database}, its -wal, -shm and -journal into ${folder}`
    return { outcome: 'skipped', because, evidence: {} }
  },
  async act({ files, capture, clock }, { runId, scenario, settings }) {
    const folder = await files.evidenceFolder(settings.database, settings.evidenceFolder)
    const { control } = await capture.reach()
    await files.setAside(settings.database, folder)
    await control.letGo()
    const hashed = await files.hashFolder(folder)
    const kept = hashed.filter((file) => file.name !== manifestName)
    if (!hashed.some((file) => file.name === manifestName)) {
      const manifest = { run: runId, scenario, database: settings.database, writtenAtMs: clock.wallMs(), files: kept }
      await files.writeNew(`${folder}/${manifestName}`, new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`))
    }
    const main = kept.find((file) => settings.database.endsWith(`/${file.name}`))
    const facts = main === undefined ? null : await files.stat(`${folder}/${main.name}`)
    return {
      outcome: 'done',
      because:
        kept.length === 0 ? 'there was no database to set aside' : `${kept.length} files are in ${folder}, with a manifest of their hashes`,
      evidence: {
        evidence: {
          folder,
          files: kept.map((file) => file.name),
          owner: facts === null ? null : { uid: facts.uid, gid: facts.gid, mode: facts.mode },
        },
      },
    }
  },
})
