/** The damaged database is renamed away at once, while the capture still holds it, and hashed after. */

import { DrError, isDrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import type { CaptureAtRest, DrainOutcome } from '../../ports/capture-control.ts'
import { counted } from '../../units.ts'
import { requireNobody, strangersOn } from '../holders.ts'
import { type RunbookPorts, type Scope, step } from '../runbook.ts'
import { asidePath, isSetAside } from '../set-aside.ts'

const manifestName = 'manifest.json'

export const preserveEvidence = step({
  name: 'preserve-evidence',
  phase: 'immediate',
  title: 'Create immediate backup (preserve evidence)',
  does: 'Looks once more that nobody has the database open, renames it with its -wal, -shm and -journal into the evidence folder, looks that nobody has it open there and nothing was committed meanwhile (else it is put back), then lets the capture go, then writes a manifest of SHA-256 hashes.',
  // The order matters: until it lets go, the capture follows the files, and sees what somebody commits to them under either name.
  effect: { kind: 'idempotent', because: 'What is renamed is no longer there to be renamed again; the folder is named by the run.' },
  undo: { does: 'Stop whatever has the database open and rename the files back; nothing in them was changed.' },
  needs: ['files', 'openFiles', 'capture', 'clock'],
  async foresee({ files }, { settings }) {
    const folder = await files.evidenceFolder(settings.database, settings.evidenceFolder)
    const facts = await files.stat(settings.database)
    const because =
      facts === null ? 'there is no database to set aside' : `would rename ${settings.database}, its -wal, -shm and -journal into ${folder}`
    return { outcome: 'skipped', because, evidence: {} }
  },
  async act(ports, scope) {
    const { files, capture, clock } = ports
    const { runId, scenario, settings } = scope
    const folder = await files.evidenceFolder(settings.database, settings.evidenceFolder)
    const { pid, control } = await capture.reach()
    await requireAtRest(ports, settings.database, folder)
    // Where no capture runs, the log can be read only while it is in its place.
    const drainedInPlace = pid === null && !(await isSetAside(ports, scope)) ? await drainedSince(scope, control) : scope.facts.drained
    let drained = drainedInPlace
    try {
      await files.setAside(settings.database, folder)
      await requireAtRest(ports, settings.database, folder)
      // The capture follows the files under their new names until it lets go.
      if (pid !== null) drained = await drainedSince(scope, control)
    } catch (error) {
      throw await putBack(ports, settings.database, folder, error)
    }
    await control.letGo()
    const hashed = await files.hashFolder(folder)
    const kept = hashed.filter((file) => file.name !== manifestName)
    if (!hashed.some((file) => file.name === manifestName)) {
      const manifest = { run: runId, scenario, database: settings.database, writtenAtMs: clock.wallMs(), files: kept }
      await files.writeNew(`${folder}/${manifestName}`, new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`))
    }
    const unread = kept.filter(({ sha256 }) => sha256 === null).map(({ name }) => name)
    const main = kept.find((file) => settings.database.endsWith(`/${file.name}`))
    const facts = main === undefined ? null : await files.stat(`${folder}/${main.name}`)
    return {
      outcome: 'done',
      because:
        kept.length === 0
          ? 'there was no database to set aside'
          : `${counted(kept.length, 'file')} kept in ${folder}, with a manifest of the hashes${unread.length === 0 ? '' : `; without one of ${unread.join(', ')}, which the disk does not give whole`}`,
      evidence: {
        ...(drained === undefined ? {} : { drained }),
        evidence: {
          folder,
          files: kept.map((file) => file.name),
          owner: facts === null ? null : { uid: facts.uid, gid: facts.gid, mode: facts.mode },
        },
      },
    }
  },
})

const startOver = 'Stop whatever starts the bot behind the halt latch (a supervisor, a person), then give the same command again.'

/** Under either name: whoever opened the database between the last look and the rename has it open under its new one. @throws DATABASE_IN_USE, HOLDERS_UNKNOWN */
async function requireAtRest(ports: Pick<RunbookPorts, 'files' | 'openFiles' | 'capture'>, database: string, folder: string) {
  requireNobody(await strangersOn(ports, database, asidePath(folder, database)), database, startOver)
}

/** Whoever opens the database only for an instant is known by what they commit. What was not complete before may be now. @throws DATABASE_IN_USE */
async function drainedSince({ facts }: Pick<Scope, 'facts'>, control: Pick<CaptureAtRest, 'drain'>): Promise<DrainOutcome> {
  const now = await control.drain()
  const before = facts.drained
  if (before?.complete !== true) return now
  if (before.txid === now.txid && before.timeline === now.timeline) return before
  throw new DrError('DATABASE_IN_USE', {
    what: `the database was written to after it was drained: from ${formatTxid(before.txid)} of timeline ${before.timeline} to ${formatTxid(now.txid)} of ${now.timeline}`,
    untouched: 'Nothing was done.',
    next: startOver,
  })
}

/** The error, with where the files are now: under their own names, unless somebody took those or they cannot be renamed. */
async function putBack({ files }: Pick<RunbookPorts, 'files'>, database: string, folder: string, error: unknown): Promise<unknown> {
  const where = await whereAfter(files, database, folder)
  if (!isDrError(error)) return error
  return new DrError(error.code, { what: error.message, untouched: `${where}; nothing was restored.`, next: error.next, cause: error })
}

async function whereAfter(files: RunbookPorts['files'], database: string, folder: string): Promise<string> {
  try {
    return (await files.putBack(database, folder)) === 'back'
      ? `The database is at ${database}, where it was, with all that was committed to it`
      : `Something else stands at ${database} now; the database as it was is in ${folder}`
  } catch (thrown) {
    if (!isDrError(thrown)) throw thrown
    return `The database as it was is in ${folder}, whole or with its log still at ${database}, and was not put back (${thrown.message})`
  }
}
