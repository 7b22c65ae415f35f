/**
 * From a closed database to a capture that knows exactly where it stands, with a pin held and nothing missed.
 * Order: pin, end of the log, checksums of every page as of there, then the replica, then one decision and what it takes.
 * If we die at any point: the replica holds whole files only, and the next attach decides anew from the same facts.
 */
import { DrError } from '../errors.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { CaptureFork } from '../ports/capture-control.ts'
import type { CaptureState } from '../ports/capture-state.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { type Catalogue, type CatalogueTimeline, currentTimeline, readCatalogue } from '../replica/catalogue.ts'
import { fileKey, snapshotLevel } from '../replica/layout.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { planRestore, restorePoints } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { sumPlan } from '../replica/read-plan.ts'
import { decodeDatabaseHeader } from '../wal/database-header.ts'
import type { WalPosition } from '../wal/frames.ts'
import { type Base, baseNow, sumBase } from './base-scan.ts'
import { beginFirstTimeline, beginFork, type TimelineWorld } from './begin-timeline.ts'
import type { CaptureEvent } from './capture-event.ts'
import { catchUp } from './catch-up.ts'
import { encodeSnapshot } from './flush.ts'
import { type LastPoint, readLastPoint } from './last-point.ts'
import { publish } from './publisher.ts'
import { decideResume, type ResumeDecision } from './resume.ts'

export interface CaptureWorld extends TimelineWorld {
  readonly openDatabase: () => LiveDatabase
  readonly state: CaptureState
  readonly onEvent: (event: CaptureEvent) => void
  readonly flushIntervalMs: number
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
  readonly pageSize: number
  readonly sums: PageSums
  /** Captured and published up to here; null while the log has no frames. */
  readonly place: WalPosition | null
  readonly txid: number
  readonly lastCommitMs: number
  readonly decision: ResumeDecision['do']
}

/** @throws every code of openLiveDatabase; DATABASE_OTHER, REPLICA_FOREIGN, TIMELINE_SEALED, STORE_UNAVAILABLE. Nothing stays open then. */
export async function attach(world: CaptureWorld, options: AttachOptions): Promise<Attached> {
  const database = world.openDatabase()
  try {
    database.locks.pin(0)
    const base = baseOf(database)
    const sums = await sumBase(world.clock, database.bytes, base)
    return await settle(world, options, database, base, sums)
  } catch (error) {
    database.close()
    throw error
  }
}

function baseOf(database: LiveDatabase): Base {
  const first = new Uint8Array(100)
  database.bytes.readDatabase(0, first)
  return baseNow(database, decodeDatabaseHeader(first)?.pageSize ?? 0)
}

async function settle(world: CaptureWorld, options: AttachOptions, database: LiveDatabase, base: Base, sums: PageSums): Promise<Attached> {
  const before = await readCatalogue(world.store)
  if (before.foreign) await beginFirstTimeline(world, before)
  const { catalogue, forked } = await forkIfAsked(world, options, before)
  const current = currentTimeline(catalogue)
  const last = current === null ? null : await readLastPoint(world.store, current, database.bytes, base)
  const decision = decideResume(await facts(world, options, database, sums, current, last, forked))
  await warnOfEmptied(world, decision)
  const task: Task = { world, database, base, sums, current, last, catalogue, decision }
  const attached = await tasks[decision.do](task)
  await world.state.write({
    path: database.path,
    ...database.identity,
    replica: world.store.url,
    timeline: attached.timeline,
    timelineId: attached.timelineId,
  })
  world.onEvent({ type: 'attached', do: decision.do, because: decision.because, timeline: attached.timeline, txid: attached.txid })
  return attached
}

/** A replica that we wrote to and that is empty now was deleted, or its disk is not mounted. */
async function warnOfEmptied({ state, store, onEvent }: CaptureWorld, decision: ResumeDecision): Promise<void> {
  if (decision.do !== 'begin') return
  const binding = await state.read()
  if (binding?.replica !== store.url) return
  const because = `${store.url} is empty, though timeline ${binding.timeline} was written there: is its disk mounted? The copy begins anew`
  onEvent({ type: 'warning', because })
}

async function forkIfAsked(
  world: CaptureWorld,
  { fork }: AttachOptions,
  catalogue: Catalogue,
): Promise<{ readonly catalogue: Catalogue; readonly forked: boolean }> {
  if (fork === null) return { catalogue, forked: false }
  const parent = catalogue.timelines.find((one) => one.number === fork.timeline)
  if (parent === undefined) {
    throw new DrError('POINT_NOT_FOUND', {
      what: `the replica ${world.store.url} has no timeline ${fork.timeline} to fork from`,
      untouched: 'Nothing was published.',
      next: 'Look at genesis-dr backup-status, then start genesis-dr replicate.',
    })
  }
  await beginFork(world, catalogue, parent, fork.txid)
  return { catalogue: await readCatalogue(world.store), forked: true }
}

async function facts(
  world: CaptureWorld,
  { takeOver }: AttachOptions,
  database: LiveDatabase,
  sums: PageSums,
  current: CatalogueTimeline | null,
  last: LastPoint | null,
  forked: boolean,
) {
  const rolling = sums.rolling
  const lastFrameInLog = last?.place != null
  const equal = lastFrameInLog || last === null || last.rolling === rolling
  const olderTxid = equal || current === null ? null : await findOlder(world, current, rolling)
  const binding = await world.state.read()
  const bound =
    forked ||
    (binding !== null &&
      binding.device === database.identity.device &&
      binding.inode === database.identity.inode &&
      binding.bornMs === database.identity.bornMs &&
      binding.replica === world.store.url &&
      binding.timelineId === current?.id)
  const compare = !(equal || bound) && olderTxid === null && current !== null
  const equalShare = compare ? (await sumPlan(world.store, planRestore(current.files, 'newest-reachable'))).shareEqualTo(sums) : null
  const otherPath = current?.database == null || current.database === database.path ? null : current.database
  return { last, lastFrameInLog, rolling, olderTxid, bound, equalShare, takeOver, otherPath }
}

/** Newest first: a database is rarely much older than its replica. */
async function findOlder(world: CaptureWorld, timeline: CatalogueTimeline, rolling: bigint): Promise<number | null> {
  const points = restorePoints(timeline.files)
  for (const file of points.toReversed()) {
    if (file.maxTxid >= timeline.latestTxid) continue
    const point = decodeRestorePoint((await readHeader(world.store, file.key)).reserved)
    if (point?.postApply === rolling) return file.maxTxid
  }
  return null
}

interface Task {
  readonly world: CaptureWorld
  readonly database: LiveDatabase
  readonly base: Base
  readonly sums: PageSums
  readonly current: CatalogueTimeline | null
  readonly last: LastPoint | null
  readonly catalogue: Catalogue
  readonly decision: ResumeDecision
}

const tasks: Readonly<Record<ResumeDecision['do'], (task: Task) => Promise<Attached>>> = {
  begin: async (task) => {
    const timeline = task.catalogue.timelines.at(-1) ?? (await beginFirstTimeline(task.world, task.catalogue))
    return snapshot(task, named(timeline.number), timeline.id, 1)
  },
  continue: continueFrom,
  adopt: async (task) => standing(task, currentOf(task), lastOf(task).txid),
  fork: async (task) => {
    if (task.decision.do !== 'fork') throw refused(task)
    const { txid } = task.decision
    const timeline = await beginFork(task.world, task.catalogue, currentOf(task), txid)
    const lost = `the replica has ${lastOf(task).txid - txid} restore points that the database lacks (timeline ${currentOf(task).number})`
    task.world.onEvent({ type: 'warning', because: `${task.decision.because}; ${lost}` })
    return standing(task, timeline, txid)
  },
  snapshot: async (task) => snapshot(task, named(currentOf(task).number), currentOf(task).id, lastOf(task).txid + 1),
  'take-over': async (task) => {
    const timeline = await beginFork(task.world, task.catalogue, currentOf(task), lastOf(task).txid)
    return snapshot(task, named(timeline.number), timeline.id, lastOf(task).txid + 1)
  },
  refuse: async (task) => {
    throw refused(task)
  },
}

function standing(task: Task, timeline: { readonly number: string | null; readonly id: string }, txid: number): Attached {
  const { database, base, sums, decision } = task
  return {
    database,
    timeline: named(timeline.number),
    timelineId: timeline.id,
    pageSize: base.pageSize,
    sums,
    place: base.place,
    txid,
    lastCommitMs: task.last?.lastCommitMs ?? 0,
    decision: decision.do,
  }
}

/** Publishes what the log holds after the last published frame. */
async function continueFrom(task: Task): Promise<Attached> {
  const { world, database, base, sums } = task
  const last = lastOf(task)
  const timeline = currentOf(task)
  const caught = await catchUp(world, named(timeline.number), last, database.bytes, base, () => Promise.resolve(sums))
  return { ...standing(task, timeline, caught.txid), lastCommitMs: caught.lastCommitMs }
}

async function snapshot(task: Task, timeline: string, timelineId: string, txid: number): Promise<Attached> {
  const { world, database, base, sums } = task
  const seenMs = world.clock.wallMs()
  const facts = {
    pageSize: base.pageSize,
    databasePages: base.pages,
    minTxid: 1,
    maxTxid: txid,
    // How many commits a snapshot brings is not known: it counts as none.
    commits: 0,
    firstCommitMs: seenMs,
    lastCommitMs: seenMs,
    rolling: sums.rolling,
    fromFrame: 0,
    end: base.place,
  }
  let reported = world.clock.monotonicMs()
  const onPage = (page: number): void => {
    if (world.clock.monotonicMs() - reported < 500) return
    reported = world.clock.monotonicMs()
    world.onEvent({ type: 'snapshot-progress', pages: page, of: base.pages, pageSize: base.pageSize })
  }
  const key = fileKey(world.store.layout, timeline, snapshotLevel, 1, txid)
  await publish(world.store, key, encodeSnapshot(facts, database.bytes, base, onPage), seenMs)
  return { ...standing(task, { number: timeline, id: timelineId }, txid), lastCommitMs: seenMs }
}

function currentOf(task: Task): CatalogueTimeline {
  if (task.current === null) throw refused(task)
  return task.current
}

function lastOf(task: Task): LastPoint {
  if (task.last === null) throw refused(task)
  return task.last
}

function named(number: string | null): string {
  if (number === null)
    throw new DrError('REPLICA_FOREIGN', {
      what: 'a replica of Litestream is never written',
      untouched: 'Nothing was written.',
      next: 'Give another folder with --replica.',
    })
  return number
}

function refused({ world, database, decision, last }: Task): DrError {
  const point = last === null ? '' : ` (its newest restore point is ${formatTxid(last.txid)})`
  return new DrError('DATABASE_OTHER', {
    what: `${database.path} does not belong to the replica ${world.store.url}${point}: ${decision.because}`,
    untouched: 'Nothing was published, and the database was not touched.',
    next: 'Give this database a replica of its own with --replica; if it is the same database after all, add --take-over.',
  })
}
