/**
 * From a closed database to a capture that knows exactly where it stands, with a pin held and nothing missed.
 * Order: pin, end of the log, what the replica has, then one decision and what it takes. The file itself is read only where the log does not
 * prove that it goes on from the replica.
 * If we die at any point: the replica holds whole files only, and the next attach decides anew from the same facts.
 */
import { DrError, isDrError } from '../errors.ts'
import type { LtxHeader } from '../ltx/header.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { CaptureFork } from '../ports/capture-control.ts'
import type { CaptureBinding, CaptureState, OlderDatabase, UnprovenPages } from '../ports/capture-state.ts'
import type { KeptRot, Rot } from '../ports/kept-rot.ts'
import type { KeptSums } from '../ports/kept-sums.ts'
import type { DatabaseBytes, LiveDatabase } from '../ports/live-database.ts'
import type { LogFile } from '../ports/log-file.ts'
import { type Catalogue, type CatalogueTimeline, currentTimeline, reachablePoints, readCatalogue } from '../replica/catalogue.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { sumsOfPoint } from '../replica/point-sums.ts'
import { readHeader } from '../replica/read-object.ts'
import { MiB } from '../units.ts'
import {
  type Ancestor,
  ancestorByKept,
  counterWentBack,
  everywhere,
  findAncestor,
  type Search,
  type Suspect,
  sumsBehind,
} from './ancestor.ts'
import { type Base, readDatabaseHeader, sumBase } from './base-scan.ts'
import { beginFirstTimeline, beginFork, type TimelineWorld } from './begin-timeline.ts'
import type { CaptureEvent } from './capture-event.ts'
import { lookByFinishing } from './finish-log.ts'
import { keepSums } from './keep-sums.ts'
import { type LastPoint, lastPoint, readLastHeader } from './last-point.ts'
import { olderAfter } from './older-after.ts'
import { factsOfOlder } from './older-facts.ts'
import { decideResume, type ResumeDecision, type ResumeFacts } from './resume.ts'
import { bind, carryOut, type Meeting } from './resume-tasks.ts'
import { withoutRot } from './rot-memory.ts'
import { unprovenUpTo } from './unproven-up-to.ts'
import { findUnreadTwice, keepUnread } from './unread-log.ts'

export interface CaptureWorld extends TimelineWorld {
  readonly openDatabase: () => LiveDatabase
  /** Called while this process does not have the database open. null: there is no log. To be closed. @throws IO_FAILED */
  readonly openLog: () => LogFile | null
  readonly state: CaptureState
  readonly keptSums: KeptSums
  readonly keptRot: KeptRot
  readonly onEvent: (event: CaptureEvent) => void
  readonly flushIntervalMs: number
  /** In which every page of the file is looked at once. */
  readonly scrubTurnMs: number
}

export interface AttachOptions {
  readonly takeOver: boolean
  /** The database was restored from here: go on with a timeline that forks at this point. */
  readonly fork: CaptureFork | null
}

export interface Attached {
  readonly database: LiveDatabase
  readonly timeline: string
  readonly timelineId: string
  /** Captured and published up to here. */
  readonly base: Base
  /** What every page must be as of `txid`. */
  readonly sums: PageSums
  readonly txid: number
  readonly lastCommitMs: number
  readonly decision: ResumeDecision['do']
  /** Commits that stood in the log and could not be read when the database was opened; null: none did. */
  readonly unread: string | null
  /** Pages that the newest diff took from the file, by this attach or a former one; null: none did. */
  readonly unproven: UnprovenPages | null
  /** What a scrub of a former life found damaged. */
  readonly rot: Rot
}

export type Settled = Omit<Attached, 'unread'>

/** Chosen: each try meets a log that began anew at that very moment; a bot that does so five times in a row is no bot. */
const mostTries = 5
/** Chosen: far more than lies between the two calls that make a file and give it its mode. */
const shmMs = 100

/** @throws every code of openLiveDatabase; DATABASE_OTHER, REPLICA_FOREIGN, TIMELINE_SEALED, STORE_UNAVAILABLE. Nothing stays open then. */
export async function attach(world: CaptureWorld, options: AttachOptions): Promise<Attached> {
  const log = world.openLog()
  try {
    const unread = log === null ? null : findUnreadTwice(log)
    return await attachBeside(world, options, (frames) => (log === null || unread === null ? null : keepUnread(log, unread, frames)))
  } finally {
    log?.close()
  }
}

/** What is to be told of commits that cannot be read, where SQLite has the log committed up to so many frames; null: of none. */
type Keep = (frames: number) => Promise<string | null> | null

async function attachBeside(world: CaptureWorld, options: AttachOptions, keep: Keep): Promise<Attached> {
  for (let tries = 1; ; tries++) {
    let database: LiveDatabase | null = null
    try {
      database = world.openDatabase()
      database.locks.pin(0)
      const unread = await keep(database.locks.walEnd().frames)
      const attached = await settle(world, options, database)
      if (unread !== null) world.onEvent({ type: 'warning', because: unread })
      return { ...attached, unread }
    } catch (error) {
      database?.close()
      // A log that the file has whole may begin anew while we read it: rule 3 of the pins. And SQLite gives a new -shm its group a moment after
      // it made it: whoever opens it in between may only read, though the database and its folder let us write.
      if (!isDrError(error, 'WAL_DAMAGED', 'DATABASE_READ_ONLY') || tries === mostTries) throw error
      if (isDrError(error, 'DATABASE_READ_ONLY')) await world.clock.sleep(shmMs)
    }
  }
}

async function settle(world: CaptureWorld, options: AttachOptions, database: LiveDatabase): Promise<Settled> {
  const before = await readCatalogue(world.store)
  if (before.foreign) await beginFirstTimeline(world, before)
  const { catalogue, forked } = await forkIfAsked(world, options, database, before)
  const binding = await world.state.read()
  const meeting = await meet(world, database, catalogue, forked ? 'bound' : binding)
  const decision = decideResume({ ...meeting.facts, takeOver: options.takeOver })
  if (decision.do === 'begin') warnOfEmptied(world, binding, catalogue)
  const { attached, unproven: taken, about } = await carryOut(meeting, decision)
  const { timeline, timelineId, txid, sums } = attached
  const goneOnFrom = options.fork?.txid ?? (decision.do === 'fork' ? decision.txid : decision.do === 'begin' ? 0 : txid)
  const unproven = taken ?? unprovenUpTo(goneOnFrom, binding)
  const older = olderBy(meeting, decision, binding)
  const unkept = keepSums(world.keptSums, { timelineId, txid, pageSize: attached.base.pageSize }, sums)
  if (unkept !== null) world.onEvent({ type: 'warning', because: unkept })
  await bind(meeting, { number: timeline, id: timelineId }, { older, unproven })
  const because = about === '' ? decision.because : `${decision.because}; ${about}`
  world.onEvent({ type: 'attached', do: decision.do, because, timeline, txid })
  if (older !== null) await tellOlder(world, catalogue, older)
  return { ...attached, unproven, rot: meeting.rot }
}

/** What the replica has that the database lacks: found now, by whoever died before he could write it down, or before and not decided yet. */
function olderBy({ world, current, ancestor }: Meeting, decision: ResumeDecision, binding: CaptureBinding | null): OlderDatabase | null {
  const atMs = world.clock.wallMs()
  if (decision.do === 'fork' && current?.number != null) {
    return { timeline: current.number, txid: decision.txid, reachedTxid: ancestor?.reachedTxid ?? decision.txid, atMs }
  }
  if (binding === null || current === null) return null
  if (binding.timelineId === current.id) return binding.older
  const { parent } = current
  return parent?.id === binding.timelineId
    ? { timeline: parent.number, txid: parent.forkTxid, reachedTxid: parent.forkTxid + 1, atMs }
    : null
}

/** Again at each attach, until somebody has decided. */
async function tellOlder({ store, onEvent }: CaptureWorld, catalogue: Catalogue, older: OlderDatabase): Promise<void> {
  const facts = await factsOfOlder(store, catalogue, older)
  if (facts !== null) onEvent({ type: 'older', ...facts })
}

/** A replica that we wrote to and that is empty now was deleted, or its disk is not mounted. */
function warnOfEmptied({ store, onEvent }: CaptureWorld, binding: CaptureBinding | null, { timelines }: Catalogue): void {
  // A beginning that did not come to its first point is none of that.
  if (binding?.replica !== store.url || timelines.some(({ id }) => id === binding.timelineId)) return
  const because = `${store.url} is empty, though timeline ${binding.timeline} was written there: is its disk mounted? The copy begins anew`
  onEvent({ type: 'warning', because })
}

async function forkIfAsked(
  world: CaptureWorld,
  { fork }: AttachOptions,
  database: LiveDatabase,
  catalogue: Catalogue,
): Promise<{ readonly catalogue: Catalogue; readonly forked: boolean }> {
  if (fork === null) return { catalogue: await forkBegunBefore(world, database, catalogue), forked: false }
  const parent = catalogue.timelines.find((one) => one.number === fork.timeline)
  if (parent === undefined) {
    throw new DrError('POINT_NOT_FOUND', {
      what: `the replica ${world.store.url} has no timeline ${fork.timeline} to fork from`,
      untouched: 'Nothing was published.',
      next: 'Look at genesis-dr backup-status, then start genesis-dr replicate.',
    })
  }
  const known = await world.state.read()
  const told = { older: olderAfter(fork, world.store.url, known), unproven: unprovenUpTo(fork.txid, known) }
  await beginFork(world, catalogue, parent, fork.txid, (timeline) => bind({ world, database }, timeline, told))
  return { catalogue: await readCatalogue(world.store), forked: true }
}

/** Whoever was beginning a fork for this file died: it is gone on with, whatever the bot has committed since. */
async function forkBegunBefore(world: CaptureWorld, database: LiveDatabase, catalogue: Catalogue): Promise<Catalogue> {
  const newest = catalogue.timelines.at(-1)
  const parent = catalogue.timelines.find(({ id }) => id === newest?.parent?.id)
  if (newest === undefined || newest.complete || newest.parent === null || parent === undefined) return catalogue
  if (!isBound(await world.state.read(), database, world.store.url, newest.id)) return catalogue
  await beginFork(world, catalogue, parent, newest.parent.forkTxid)
  return readCatalogue(world.store)
}

/** Chosen: a capture keeps its checksums within a second of a flush; whatever is five times as old was not kept by the one that published last. */
const keptWithinMs = 5000
/**
 * Chosen: so many headers, or bytes, are read in half a second, and a file that stayed in its place is rarely older by more. Few pages come back as
 * they were when a bot starts and stops, many do when an old file was copied over it.
 */
const nearby: Omit<Search, 'wentBack'> = { lookBack: 2000, pages: { withinBytes: 64 * MiB, fewest: 16 } }

type Found = Omit<Meeting, 'world' | 'database' | 'base' | 'catalogue' | 'binding' | 'rot'>

/** `binding` 'bound': this very file was just restored for this timeline. */
async function meet(
  world: CaptureWorld,
  database: LiveDatabase,
  catalogue: Catalogue,
  binding: CaptureBinding | 'bound' | null,
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
    ? await ancestorOfKnown(suspect, last, newest.keptTxid)
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
  const kept = keptTxid === null ? null : await pointAt(suspect, keptTxid)
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

async function pointAt({ store, timeline }: Suspect, txid: number): Promise<LtxHeader | null> {
  const point = reachablePoints(timeline).find(({ maxTxid }) => maxTxid === txid)
  return point === undefined ? null : readHeader(store, point.key)
}

function isBound(binding: CaptureBinding | null, { identity }: LiveDatabase, replica: string, timelineId: string): boolean {
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
