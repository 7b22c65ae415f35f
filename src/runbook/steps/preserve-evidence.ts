/** The damaged database is renamed away at once, while the capture still holds it, and hashed after. */

import { DrError, isDrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import type { CaptureAtRest, DrainOutcome } from '../../ports/capture-control.ts'
import type { FileFacts } from '../../ports/database-files.ts'
import type { FileOwner, UnfinishedRecovery } from '../../ports/recovery-memory.ts'
import { counted, formatBytes } from '../../units.ts'
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
  needs: ['files', 'outputs', 'openFiles', 'capture', 'clock', 'unfinished'],
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
    await requireRoom(ports, scope)
    // Where no capture runs, the log can be read only while it is in its place; and what was not complete may be by now.
    const again = (pid === null || scope.facts.drained?.complete === false) && !(await isSetAside(ports, scope))
    const drained = again ? await drainedSince(scope.facts.drained, control) : scope.facts.drained
    // A capture that attached anew since may have found that the database lacks something.
    const older = again ? await capture.older() : []
    const standing = await files.stat(settings.database)
    const owner = ownerOf(standing) ?? scope.facts.before?.owner ?? null
    if (standing !== null) await ports.unfinished.write(beginning(scope, folder, owner))
    try {
      await files.setAside(settings.database, folder)
      await requireAtRest(ports, settings.database, folder)
      // The capture follows the files under their new names until it lets go.
      if (pid !== null) await drainedSince(drained, control)
    } catch (error) {
      throw await putBack(ports, scope, folder, error)
    }
    await control.letGo()
    const hashed = await files.hashFolder(folder)
    const kept = hashed.filter((file) => file.name !== manifestName)
    let unwritten: string | null = null
    if (!hashed.some((file) => file.name === manifestName)) {
      const manifest = { run: runId, scenario, database: settings.database, writtenAtMs: clock.wallMs(), files: kept }
      unwritten = await whyNotWritten(
        files.writeNew(`${folder}/${manifestName}`, new TextEncoder().encode(`${JSON.stringify(manifest, null, 2)}\n`)),
      )
    }
    const unread = kept.filter(({ sha256 }) => sha256 === null).map(({ name }) => name)
    const main = kept.find((file) => settings.database.endsWith(`/${file.name}`))
    const aside = main === undefined ? null : await files.stat(`${folder}/${main.name}`)
    return {
      outcome: 'done',
      because:
        kept.length === 0
          ? `there was no database to set aside${formerly(scope)}`
          : `${counted(kept.length, 'file')} kept in ${folder}, ${unwritten === null ? 'with a manifest of the hashes' : `without a manifest of the hashes (${unwritten})`}${unread.length === 0 ? '' : `; without one of ${unread.join(', ')}, which the disk does not give whole`}`,
      ...(unwritten === null ? {} : { notProven: ['the hashes of what was set aside'] }),
      evidence: {
        ...(drained === undefined ? {} : { drained }),
        ...(older.length === 0 ? {} : { older }),
        evidence: {
          folder,
          files: kept.map((file) => file.name),
          owner: ownerOf(aside) ?? owner,
        },
      },
    }
  },
})

const ownerOf = (file: FileFacts | null): FileOwner | null => (file === null ? null : { uid: file.uid, gid: file.gid, mode: file.mode })

/** What is said of this run, should nothing more come of it: whatever runs before it gave up is as it was. */
function beginning({ runId, facts: { before } }: Scope, folder: string, owner: FileOwner | null): UnfinishedRecovery {
  const { evidence = [], restored = null, lostTransactions = 0, dataLossMs = 0 } = before ?? {}
  const folders = evidence.includes(folder) ? evidence : [...evidence, folder]
  return { runId, evidence: folders, owner: before?.owner ?? owner, restored, lostTransactions, dataLossMs }
}

function formerly({ facts: { before } }: Scope): string {
  return before === undefined || before.evidence.length === 0 ? '' : `; what stood there before is in ${before.evidence.join(', ')}`
}

const startOver = 'Stop whatever starts the bot behind the halt latch (a supervisor, a person), then give the same command again.'

/** What is set aside is evidence, and the database is gone until another one is in its place: that has to find room. @throws DISK_FULL */
async function requireRoom({ files, outputs }: Pick<RunbookPorts, 'files' | 'outputs'>, { facts, settings }: Scope): Promise<void> {
  const standing = await files.stat(settings.database)
  const free = outputs.freeBytes(settings.database)
  // A point that was restored beside it already needs no more.
  if (standing === null || facts.chosen !== undefined || free >= standing.sizeBytes) return
  throw new DrError('DISK_FULL', {
    what: `a restored database needs ${formatBytes(standing.sizeBytes)} beside ${settings.database}, and ${formatBytes(free)} are free`,
    untouched: 'The database is in its place; the bot stays stopped.',
    next: 'Free space on that file system, then give the same command again. genesis-dr recover --output FILE restores elsewhere.',
  })
}

/** null: it is. */
async function whyNotWritten(write: Promise<void>): Promise<string | null> {
  try {
    await write
    return null
  } catch (error) {
    if (!isDrError(error)) throw error
    return error.message
  }
}

/** Under either name: whoever opened the database between the last look and the rename has it open under its new one. @throws DATABASE_IN_USE, HOLDERS_UNKNOWN */
async function requireAtRest(ports: Pick<RunbookPorts, 'files' | 'openFiles' | 'capture'>, database: string, folder: string) {
  requireNobody(await strangersOn(ports, database, asidePath(folder, database)), database, startOver)
}

/** Whoever opens the database only for an instant is known by what they commit. @throws DATABASE_IN_USE */
async function drainedSince(before: DrainOutcome | undefined, control: Pick<CaptureAtRest, 'drain'>): Promise<DrainOutcome> {
  const now = await control.drain()
  if (before?.complete !== true) return now
  if (before.txid === now.txid && before.timeline === now.timeline) return before
  throw new DrError('DATABASE_IN_USE', {
    what: `the database was written to after it was drained: from ${formatTxid(before.txid)} of timeline ${before.timeline} to ${formatTxid(now.txid)} of ${now.timeline}`,
    untouched: 'Nothing was done.',
    next: startOver,
  })
}

/** The error, with where the files are now: under their own names, unless somebody took those or they cannot be renamed. */
async function putBack(ports: Pick<RunbookPorts, 'files' | 'unfinished'>, scope: Scope, folder: string, error: unknown): Promise<unknown> {
  const where = await whereAfter(ports, scope, folder)
  if (!isDrError(error)) return error
  return new DrError(error.code, { what: error.message, untouched: `${where}; nothing was restored.`, next: error.next, cause: error })
}

async function whereAfter(
  { files, unfinished }: Pick<RunbookPorts, 'files' | 'unfinished'>,
  { settings: { database }, facts: { before } }: Scope,
  folder: string,
): Promise<string> {
  try {
    if ((await files.putBack(database, folder)) === 'taken')
      return `Something else stands at ${database} now; the database as it was is in ${folder}`
    await (before === undefined ? unfinished.clear() : unfinished.write(before))
    return `The database is at ${database}, where it was, with all that was committed to it`
  } catch (thrown) {
    if (!isDrError(thrown)) throw thrown
    return `The database as it was is in ${folder}, whole or with its log still at ${database}, and was not put back (${thrown.message})`
  }
}
