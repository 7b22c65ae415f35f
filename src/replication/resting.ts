/**
 * The capture of a database that nobody has open and no process captures: it works from the files at rest, through no SQLite at all,
 * so that a damaged database can be drained as well. Whoever uses it holds the capture lock.
 */
import { DrError, isDrError } from '../errors.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { CaptureAtRest, CaptureFork, DrainOutcome, ScrubOutcome } from '../ports/capture-control.ts'
import type { KeptSums } from '../ports/kept-sums.ts'
import type { RestingDatabase } from '../ports/live-database.ts'
import { type Catalogue, newestComplete, readCatalogue } from '../replica/catalogue.ts'
import { sumsOfPoint } from '../replica/point-sums.ts'
import { baseAtRest, sumBase } from './base-scan.ts'
import { type BindWorld, forkRestored } from './bind.ts'
import { catchUp } from './catch-up.ts'
import { readHeaderAt, readLastPoint } from './last-point.ts'
import { RotMemory } from './rot-memory.ts'
import { Scrub } from './scrub.ts'
import { findUnread, unreadText } from './unread-log.ts'

export interface RestingWorld extends BindWorld {
  readonly keptSums: KeptSums
  /** null when there is no file at the path. Closed after use. */
  readonly openAtRest: () => RestingDatabase | null
}

export function restingCapture(world: RestingWorld): CaptureAtRest {
  return {
    drain: () => drainAtRest(world),
    scrub: () => scrubAtRest(world),
    letGo: async () => {},
    resume: (fork) => resumeAtRest(world, fork),
  }
}

async function drainAtRest(world: RestingWorld): Promise<DrainOutcome> {
  const catalogue = await readCatalogue(world.store)
  const current = newestComplete(catalogue)
  const outcome = (complete: boolean, because: string, txid = current.latestTxid, lastCommitMs = 0): DrainOutcome => ({
    timeline: current.number ?? '',
    txid,
    lastCommitMs,
    complete,
    because,
  })
  if (current.listedTxid > current.latestTxid) {
    return outcome(
      false,
      `the replica has files up to ${formatTxid(current.listedTxid)}, and one between is missing: nothing is added there`,
    )
  }
  const opened = world.openAtRest()
  if (opened === null) return outcome(false, `there is no file at ${world.databasePath}`)
  try {
    const { bytes } = opened
    const base = baseAtRest(bytes, null)
    if (base === null) return outcome(false, 'neither the file nor its log says what its page size is')
    const last = await readLastPoint(world.store, current, bytes, base)
    if (last === null) return outcome(false, 'the replica holds no restore point')
    const unread = findUnread(bytes)
    const read = (because: string, txid: number, lastCommitMs: number): DrainOutcome =>
      unread === null ? outcome(true, because, txid, lastCommitMs) : outcome(false, `${because}; ${unreadText(unread)}`, txid, lastCommitMs)
    if (last.behind !== null && current.number !== null) {
      const caught = await catchUp(world, current.number, last, bytes, base, async () => {
        return (await sumsOfPoint(world.store, current, last, world.keptSums)).sums
      })
      const because = caught.commits === 0 ? 'the log holds nothing beyond the replica' : `${caught.commits} commits were read from the log`
      return read(because, caught.txid, caught.lastCommitMs)
    }
    const sums = await sumBase(world.clock, bytes, base)
    if (sums.rolling === last.rolling) return read('the database equals the replica', last.txid, last.lastCommitMs)
    return outcome(false, 'no capture ran, and the log of that time is gone', last.txid, last.lastCommitMs)
  } catch (error) {
    return outcome(false, unreadable(error))
  } finally {
    opened.close()
  }
}

/** Every page of the file, by what the replica says that it must be. */
async function scrubAtRest(world: RestingWorld): Promise<ScrubOutcome> {
  const { store, clock } = world
  const opened = world.openAtRest()
  if (opened === null) return unjudged(0, `there is no file at ${world.databasePath}`)
  try {
    const { bytes, disk } = opened
    const timeline = newestComplete(await readCatalogue(store))
    const base = baseAtRest(bytes, null)
    const last = base === null ? null : await readLastPoint(store, timeline, bytes, base)
    if (base === null || last === null) return unjudged(timeline.latestTxid, 'neither the file nor its log says what its page size is')
    if (last.pageSize !== base.pageSize)
      return unjudged(last.txid, `its pages have ${base.pageSize} bytes, those of the replica ${last.pageSize}`)
    const { sums } = await sumsOfPoint(store, timeline, last, world.keptSums)
    const inLog = base.index?.offsets
    const settled = (page: number): boolean => page <= base.pages && inLog?.has(page) !== true
    const scrub = new Scrub({ clock, disk, pageSize: base.pageSize, sums, settled, rot: new RotMemory(new Map()), onDamage: () => {} }, 0)
    while (!scrub.lookNow(clock.monotonicMs())) await clock.sleep(scrub.waits ? 5 : 0)
    const { damaged, ...facts } = scrub.facts
    if (last.behind !== null || damaged.length === 0) return { ...facts, damaged, txid: last.txid, because: null }
    const because = `${damaged.length} of its pages are not what they were at the newest restore point; by commits that no capture saw or by damage, that cannot be told`
    return { ...facts, damaged: [], txid: last.txid, because }
  } catch (error) {
    return unjudged(0, unreadable(error))
  } finally {
    opened.close()
  }
}

/** What a recovery goes on without. @throws anything else */
function unreadable(error: unknown): string {
  if (isDrError(error) && error.kind === 'damaged') return error.message
  throw error
}

function unjudged(txid: number, because: string): ScrubOutcome {
  return {
    reads: 'page cache only',
    judged: 0,
    waiting: 0,
    of: 0,
    turnEndedMs: null,
    turnAgeMs: null,
    turnTookMs: null,
    damaged: [],
    txid,
    because,
  }
}

async function resumeAtRest(world: RestingWorld, fork: CaptureFork | null): Promise<DrainOutcome> {
  if (fork === null) {
    throw new DrError('CAPTURE_STUCK', {
      what: 'no capture runs that could go on with the database as it is',
      untouched: 'Nothing was published.',
      next: 'Start genesis-dr replicate: it looks at database and replica and says what it does.',
    })
  }
  const catalogue = await readCatalogue(world.store)
  const { number } = await forkRestored(world, catalogue, await identityAtRest(world, catalogue, fork), fork)
  const { timelines } = await readCatalogue(world.store)
  return {
    timeline: number ?? '',
    txid: fork.txid,
    lastCommitMs: 0,
    complete: timelines.find((one) => one.number === number)?.complete === true,
    because: 'the timeline begins at the restored point',
  }
}

/** Of the file that stands there; null: none does. @throws VERIFICATION_FAILED when it is not what was restored */
async function identityAtRest(
  { openAtRest, clock, store, databasePath }: RestingWorld,
  { timelines }: Catalogue,
  { timeline, txid }: CaptureFork,
) {
  const opened = openAtRest()
  if (opened === null) return null
  try {
    const parent = timelines.find(({ number }) => number === timeline)
    const header = parent === undefined ? null : await readHeaderAt(store, parent, txid)
    const rolling = header === null ? null : (decodeRestorePoint(header.reserved)?.postApply ?? null)
    const base = baseAtRest(opened.bytes, null)
    const stands = base === null || rolling === null ? rolling : (await sumBase(clock, opened.bytes, base)).rolling
    if (stands === rolling) return opened.identity
    throw new DrError('VERIFICATION_FAILED', {
      what: `what stands at ${databasePath} is not restore point ${formatTxid(txid)} of timeline ${timeline}`,
      untouched: 'It was not touched, and nothing was published.',
      next: 'Find out who wrote to it. Then give the same command again: it begins with what stands there.',
    })
  } finally {
    opened.close()
  }
}
