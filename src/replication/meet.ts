/** What there is when a database meets its replica: from both to the facts that resume.ts decides by. It changes neither. */
import { isDrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { CaptureBinding } from '../ports/capture-state.ts'
import type { Rot } from '../ports/kept-rot.ts'
import type { DatabaseBytes, LiveDatabase } from '../ports/live-database.ts'
import { type Catalogue, type CatalogueTimeline, currentTimeline } from '../replica/catalogue.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { sumsOfPoint } from '../replica/point-sums.ts'
import { MiB } from '../units.ts'
import {
  type Ancestor,
  ancestorByKept,
  ancestorByLeft,
  counterWentBack,
  everywhere,
  findAncestor,
  type LeftLog,
  type Search,
  type Suspect,
  sumsBehind,
} from './ancestor.ts'
import { type Base, readDatabaseHeader, sumBase } from './base-scan.ts'
import type { CaptureWorld } from './capture-world.ts'
import { lookByFinishing } from './finish-log.ts'
import { type LastPoint, lastPoint, readHeaderAt, readLastHeader } from './last-point.ts'
import type { ResumeFacts } from './resume.ts'
import { withoutRot } from './rot-memory.ts'

/** A database and a replica that meet, and what was found out about the two. */
export interface Meeting {
  readonly world: CaptureWorld
  readonly database: LiveDatabase
  readonly base: Base
  readonly catalogue: Catalogue
  /** What was written of a file before: this one, or another. */
  readonly binding: CaptureBinding | null
  readonly current: CatalogueTimeline | null
  readonly last: LastPoint | null
  /** Checksums of every page of the database as it is; null: they were not needed. */
  readonly sums: PageSums | null
  /** The same as of the newest point of the replica; null: not needed, or not to be had, as where its files are broken. */
  readonly newest: PageSums | null
  readonly ancestor: Ancestor | null
  /** What a scrub of a former life found damaged. */
  readonly rot: Rot
  readonly facts: ResumeFacts
}

/** Chosen: a capture keeps its checksums within a second of a flush; whatever is five times as old was not kept by the one that published last. */
const keptWithinMs = 5000
/**
 * Chosen: so many headers, or bytes, are read in half a second, and a file that stayed in its place is rarely older by more. Few pages come back as
 * they were when a bot starts and stops, many do when an old file was copied over it.
 */
const nearby: Omit<Search, 'wentBack'> = { lookBack: 2000, pages: { withinBytes: 64 * MiB, fewest: 16 } }

type Found = Omit<Meeting, 'world' | 'database' | 'base' | 'catalogue' | 'binding' | 'rot'>

/** `binding` 'bound': this very file was just restored for this timeline. `left`: a log of it that went while it was captured. */
export async function meet(
  world: CaptureWorld,
  database: LiveDatabase,
  catalogue: Catalogue,
  binding: CaptureBinding | 'bound' | null,
  left: LeftLog | null = null,
): Promise<Meeting> {
  const { store, clock, keptSums } = world
  const { bytes } = database
  const current = currentTimeline(catalogue)
  const gap = gapIn(current ?? catalogue.timelines.at(-1))
  const header = current === null ? null : await newestSums(world, () => readLastHeader(store, current))
  const { base, last: seen } = lookByFinishing(database, readDatabaseHeader(bytes)?.pageSize ?? 0, world.onEvent, (now) => {
    return { base: now, last: header === null ? null : lastPoint(bytes, now, header) }
  })
  const rot = await knownRot(world)
  const found = (over: Pick<Found, 'current' | 'last' | 'sums' | 'newest' | 'ancestor'>, facts: Partial<ResumeFacts>): Meeting => {
    const { last, sums, ancestor } = over
    const unknown = {
      last,
      lastFrameInLog: false,
      rolling: sums?.rolling ?? null,
      ancestor,
      otherPath: null,
      bound: false,
      equalShare: null,
      broken: gap,
      takeOver: false,
    }
    return {
      world,
      database,
      base,
      catalogue,
      rot,
      binding: binding === 'bound' ? null : binding,
      ...over,
      facts: { ...unknown, ...facts },
    }
  }
  const last = current === null || seen === null ? null : await provenLast(world, current, seen, bytes, base, rot)
  if (current === null) return found({ current, last, sums: await sumBase(clock, bytes, base), newest: null, ancestor: null }, {})
  const bound = binding === 'bound' || isBound(binding, database, store.url, current.id)
  const otherPath = current.database == null || current.database === database.path ? null : current.database
  if (last === null) {
    const broken = gap ?? (current.latestTxid === 0 ? null : unreadable)
    return found({ current, last, sums: await sumBase(clock, bytes, base), newest: null, ancestor: null }, { otherPath, bound, broken })
  }
  const samePages = last.pageSize === base.pageSize
  if (last.behind !== null && (bound || otherPath === null)) {
    const newest = gap === null ? await newestSums(world, () => sumsOfPoint(store, current, last, keptSums)) : null
    const sums = newest === null ? await sumBase(clock, bytes, base) : null
    const broken = newest === null ? (gap ?? unreadable) : null
    return found({ current, last, sums, newest: newest?.sums ?? null, ancestor: null }, { lastFrameInLog: true, otherPath, bound, broken })
  }
  const sums = await sumBase(clock, bytes, base)
  const equal = last.behind !== null || last.rolling === sums.rolling
  if (equal || !samePages) {
    return found({ current, last, sums, newest: null, ancestor: null }, { lastFrameInLog: last.behind !== null, otherPath, bound })
  }
  const newest = await newestSums(world, () => sumsOfPoint(store, current, last, keptSums))
  if (newest === null) return found({ current, last, sums, newest: null, ancestor: null }, { otherPath, bound, broken: gap ?? unreadable })
  const proven = withoutRot(sums, newest.sums, base, rot).sums.rolling
  if (proven === last.rolling) {
    return found({ current, last, sums, newest: newest.sums, ancestor: null }, { rolling: proven, otherPath, bound })
  }
  const suspect = { store, timeline: current, bytes, base, sums, newest: newest.sums }
  const ancestor = bound
    ? ((left === null ? null : await ancestorByLeft(suspect, left)) ?? (await ancestorOfKnown(suspect, last, newest.keptTxid)))
    : await findAncestor(suspect, { ...everywhere, wentBack: true })
  return found({ current, last, sums, newest: newest.sums, ancestor }, { otherPath, bound, equalShare: newest.sums.shareEqualTo(sums) })
}

const unreadable = 'a file of the replica is damaged'

/** null: no file is missing between those that are there. */
function gapIn(timeline: CatalogueTimeline | undefined): string | null {
  if (timeline === undefined || timeline.listedTxid === timeline.latestTxid) return null
  const missing = timeline.latestTxid === 0 ? 'the snapshot that they begin with' : `the one after ${formatTxid(timeline.latestTxid)}`
  return `the replica has files up to ${formatTxid(timeline.listedTxid)}, and ${missing} is missing`
}

/** Where the log may have been cut right behind the last published frame, it goes on from there only if the database says so too. */
async function provenLast(
  world: CaptureWorld,
  timeline: CatalogueTimeline,
  last: LastPoint,
  bytes: DatabaseBytes,
  base: Base,
  rot: Rot,
): Promise<LastPoint> {
  const { store, clock, keptSums } = world
  if (last.behind === null || !last.mayBeCut) return last
  const newest = await newestSums(world, () => sumsOfPoint(store, timeline, last, keptSums))
  if (newest === null) return { ...last, behind: null }
  const expected = sumsBehind(newest.sums, bytes, base, last.behind)
  const { sums } = withoutRot(await sumBase(clock, bytes, base), expected, base, rot)
  return expected.rolling === sums.rolling ? last : { ...last, behind: null }
}

/** Chosen: a log that began anew a million times since the last flush is no log that went on; two chance numbers are nearer once in 4,000. */
const mostRestarts = 1_000_000
/** Chosen: a log never counts down, so that one which is behind went back in time; chance numbers are so near once in 40,000. */
const mostRestartsBack = 100_000

/**
 * Of the very file that was captured. Where its log still has the newest point, or was counted on, it went on, whatever its pages look like: a bot that sets a flag to and
 * fro writes the same pages again. Where nothing tells whether it went back or on, it may have reached the newest point.
 * A log that went back is counted on as well, from what it was then, and comes to be ahead of what was published. So it proves nothing where the
 * checksums that were kept beside it are older than a capture leaves them: then all of that went back in time, the database probably too.
 */
async function ancestorOfKnown(suspect: Suspect, last: LastPoint, keptTxid: number | null): Promise<Ancestor | null> {
  if (last.inLog) return null
  const kept = keptTxid === null ? null : await readHeaderAt(suspect.store, suspect.timeline, keptTxid)
  const keptLately = kept !== null && Math.abs(last.lastCommitMs - kept.timestampMs) <= keptWithinMs
  const { place } = suspect.base
  const restarts = place === null || last.walSalt1 === 0 ? 0 : (place.header.salt1 - last.walSalt1) | 0
  if (keptLately && restarts > 0 && restarts <= mostRestarts) return null
  const wentBack = (restarts < 0 && restarts >= -mostRestartsBack) || (await counterWentBack(suspect))
  const ancestor =
    (await findAncestor(suspect, { ...(keptLately && !wentBack ? nearby : everywhere), wentBack })) ??
    (kept === null || keptLately ? null : await ancestorByKept(suspect, kept.maxTxid))
  return ancestor === null || wentBack || ancestor.inLog ? ancestor : { ...ancestor, reachedTxid: last.txid }
}

export function isBound(binding: CaptureBinding | null, { identity }: LiveDatabase, replica: string, timelineId: string): boolean {
  if (binding === null || binding.replica !== replica || ![binding.timelineId, binding.beginning].includes(timelineId)) return false
  return binding.device === identity.device && binding.inode === identity.inode && binding.bornMs === identity.bornMs
}

/** None where what was remembered cannot be read: then a damaged page is as any other. */
async function knownRot({ keptRot, onEvent }: CaptureWorld): Promise<Rot> {
  try {
    return await keptRot.read()
  } catch (error) {
    if (!isDrError(error)) throw error
    onEvent({ type: 'warning', because: `which pages were found damaged before is not known: ${error.message}` })
    return new Map()
  }
}

/** null: the replica itself is damaged, so that it cannot say what a page must be. */
async function newestSums<T>({ onEvent }: CaptureWorld, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read()
  } catch (error) {
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    onEvent({ type: 'warning', because: `what the pages of the database must be cannot be told from the replica: ${error.message}` })
    return null
  }
}
