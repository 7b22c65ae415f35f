/**
 * From a closed database to a capture that knows exactly where it stands, with a pin held and nothing missed.
 * Order: pin, end of the log, what the replica has, then one decision and what it takes. The file itself is read only where the log does not
 * prove that it goes on from the replica.
 * If we die at any point: the replica holds whole files only, and the next attach decides anew from the same facts.
 */
import { isDrError } from '../errors.ts'
import type { CaptureFork } from '../ports/capture-control.ts'
import type { CaptureBinding, OlderDatabase } from '../ports/capture-state.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { type Catalogue, readCatalogue } from '../replica/catalogue.ts'
import type { LeftLog } from './ancestor.ts'
import { beginFirstTimeline, beginFork } from './begin-timeline.ts'
import { bind, forkRestored } from './bind.ts'
import type { Attached, CaptureWorld, Settled } from './capture-world.ts'
import { keepSums } from './keep-sums.ts'
import { isBound, type Meeting, meet } from './meet.ts'
import { olderAfter } from './older-after.ts'
import { factsOfOlder } from './older-facts.ts'
import { decideResume, type ResumeDecision } from './resume.ts'
import { carryOut } from './resume-tasks.ts'
import { unprovenUpTo } from './unproven-up-to.ts'
import { findUnreadTwice, keepUnread } from './unread-log.ts'

export interface AttachOptions {
  readonly takeOver: boolean
  /** The database was restored from here: go on with a timeline that forks at this point. */
  readonly fork: CaptureFork | null
  /** What the capture that went before it in this process left, of this very file. */
  readonly left?: LeftLog | null
}

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
  const meeting = await meet(world, database, catalogue, forked ? 'bound' : binding, options.left)
  const decision = decideResume({ ...meeting.facts, takeOver: options.takeOver })
  if (decision.do === 'begin') warnOfEmptied(world, binding, catalogue)
  const { attached, unproven: taken, about } = await carryOut(meeting, decision)
  const { timeline, timelineId, txid, sums } = attached
  const goneOnFrom = options.fork?.txid ?? (decision.do === 'fork' ? decision.txid : decision.do === 'begin' ? 0 : txid)
  const unproven = taken ?? unprovenUpTo(goneOnFrom, binding)
  const intended = await intendedFork(meeting, decision)
  const older = intended === null ? olderBy(meeting, decision, binding) : olderAfter(intended, world.store.url, binding)
  const unkept = keepSums(world.keptSums, { timelineId, txid, pageSize: attached.base.pageSize }, sums)
  if (unkept !== null) world.onEvent({ type: 'warning', because: unkept })
  await bind(world, database.identity, { number: timeline, id: timelineId }, { older, unproven })
  const because = about === '' ? decision.because : `${decision.because}; ${about}`
  world.onEvent({ type: 'attached', do: decision.do, because, timeline, txid })
  await tellOlder(world, catalogue, older)
  return { ...attached, unproven, rot: meeting.rot }
}

/** Somebody restored that very point, and died or failed before it was protected: the database did not go back by itself. null: nobody did. */
async function intendedFork({ world, current }: Meeting, decision: ResumeDecision): Promise<CaptureFork | null> {
  const restored = decision.do === 'fork' ? ((await world.unfinished.read())?.restored ?? null) : null
  if (decision.do !== 'fork' || current?.number == null) return null
  return restored?.timeline === current.number && restored.txid === decision.txid ? { timeline: current.number, txid: decision.txid } : null
}

/** What the replica has that the database lacks: found before and not decided yet, and now, or by whoever died before he could write it down. */
function olderBy(
  { world, current, ancestor }: Meeting,
  decision: ResumeDecision,
  binding: CaptureBinding | null,
): readonly OlderDatabase[] {
  const known = binding?.older ?? []
  const common = { replica: world.store.url, atMs: world.clock.wallMs() }
  if (decision.do === 'fork' && current?.number != null) {
    return [...known, { ...common, timeline: current.number, txid: decision.txid, reachedTxid: ancestor?.reachedTxid ?? decision.txid }]
  }
  const parent = current?.parent ?? null
  if (binding === null || binding.timelineId === current?.id || parent === null || parent.id !== binding.timelineId) return known
  return [...known, { ...common, timeline: parent.number, txid: parent.forkTxid, reachedTxid: parent.forkTxid + 1 }]
}

/** Again at each attach, until somebody has decided. */
async function tellOlder({ store, onEvent }: CaptureWorld, catalogue: Catalogue, older: readonly OlderDatabase[]): Promise<void> {
  for (const facts of await factsOfOlder(store, catalogue, older)) onEvent({ type: 'older', ...facts })
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
  await forkRestored(world, catalogue, database.identity, fork)
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
