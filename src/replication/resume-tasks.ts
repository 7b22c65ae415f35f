/** What each decision of resume.ts takes: timelines, and the one file that brings the replica up to the database as it is met. */
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { CaptureBinding, OlderDatabase } from '../ports/capture-state.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import type { Catalogue, CatalogueTimeline } from '../replica/catalogue.ts'
import { fileKey, snapshotLevel } from '../replica/layout.ts'
import type { PageSums } from '../replica/page-sums.ts'
import type { Ancestor } from './ancestor.ts'
import type { CaptureWorld, Settled } from './attach.ts'
import type { Base } from './base-scan.ts'
import { type Announce, beginFirstTimeline, beginFork } from './begin-timeline.ts'
import { type CatchUpFrom, catchUp } from './catch-up.ts'
import { encodePages, type FlushFacts } from './flush.ts'
import type { LastPoint } from './last-point.ts'
import { publish } from './publisher.ts'
import type { ResumeDecision, ResumeFacts } from './resume.ts'

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
  readonly facts: ResumeFacts
}

type Named = { readonly number: string | null; readonly id: string }
type Task = (meeting: Meeting, decision: ResumeDecision) => Promise<Standing>
/** Where the replica stands when the task is done. */
interface Standing {
  readonly timeline: Named
  readonly sums: PageSums
  readonly txid: number
  readonly lastCommitMs: number
}

/** @throws DATABASE_OTHER, TIMELINE_SEALED, and as the store */
export async function carryOut(meeting: Meeting, decision: ResumeDecision): Promise<Settled> {
  const { timeline, sums, txid, lastCommitMs } = await tasks[decision.do](meeting, decision)
  const { database, base } = meeting
  return {
    database,
    timeline: numberOf(timeline),
    timelineId: timeline.id,
    base,
    sums,
    txid,
    lastCommitMs,
    decision: decision.do,
  }
}

const tasks: Readonly<Record<ResumeDecision['do'], Task>> = {
  begin: async (meeting) => {
    const begun = meeting.catalogue.timelines.at(-1)
    const timeline = begun ?? (await beginFirstTimeline(meeting.world, meeting.catalogue))
    await bind(meeting, timeline, null)
    return publishPages(meeting, timeline, 'all', Math.max(begun?.listedTxid ?? 0, begun?.parent?.forkTxid ?? 0) + 1)
  },
  continue: async (meeting) => {
    const [timeline, last] = continued(meeting)
    return caughtUp(meeting, timeline, last, known(meeting.newest))
  },
  adopt: async (meeting) => {
    const [timeline, { txid, lastCommitMs }] = continued(meeting)
    return { timeline, sums: known(meeting.sums), txid, lastCommitMs }
  },
  fork: async (meeting, decision) => {
    const { ancestor, world, catalogue } = meeting
    const [parent, last] = continued(meeting)
    if (decision.do !== 'fork') throw refused(meeting, decision)
    const timeline = await beginFork(world, catalogue, parent, decision.txid, announced(meeting))
    // A copy at another path that equals the newest point forks there.
    const then: Ancestor = ancestor ?? {
      txid: decision.txid,
      proof: 'content',
      inLog: false,
      reachedTxid: decision.txid,
      sums: known(meeting.sums),
      place: null,
    }
    const from = { txid: then.txid, lastCommitMs: last.lastCommitMs, place: then.place, databasePages: then.sums.pages }
    return afterFork(meeting, then, timeline, from)
  },
  diff: async (meeting) => {
    const [timeline, { txid }] = continued(meeting)
    return publishPages(meeting, timeline, new Set(known(meeting.sums).differingFrom(known(meeting.newest))), txid + 1)
  },
  snapshot: async (meeting) => {
    const [timeline] = continued(meeting)
    // Behind a gap too: in front of it, older files would be applied on top of the snapshot.
    return publishPages(meeting, timeline, 'all', timeline.listedTxid + 1)
  },
  'take-over': async (meeting) => {
    const [parent, { txid }] = continued(meeting)
    const timeline = await beginFork(meeting.world, meeting.catalogue, parent, txid, announced(meeting))
    const { newest, sums } = meeting
    return publishPages(meeting, timeline, newest === null ? 'all' : new Set(known(sums).differingFrom(newest)), txid + 1)
  },
  refuse: async (meeting, decision) => {
    throw refused(meeting, decision)
  },
}

/**
 * From now on this file is the database of that timeline, whatever becomes of its content. At a beginning it is said before the first point is
 * published: whoever dies right after that would be refused, when the bot has rewritten the file meanwhile.
 */
export function bind(
  { world, database }: Pick<Meeting, 'world' | 'database'>,
  timeline: Named,
  older: OlderDatabase | null,
): Promise<void> {
  const of = { timeline: numberOf(timeline), timelineId: timeline.id, beginning: null, older }
  return world.state.write({ path: database.path, ...database.identity, replica: world.store.url, ...of })
}

/**
 * Written before a fork can be seen by anybody: whoever dies before he has bound the file to it knows that it is his, whatever the bot has
 * committed since. Until then the file stays bound to where it was.
 */
function announced(meeting: Meeting): Announce {
  const { binding, facts, world } = meeting
  return (timeline) =>
    facts.bound && binding !== null ? world.state.write({ ...binding, beginning: timeline.id }) : bind(meeting, timeline, null)
}

async function afterFork(meeting: Meeting, ancestor: Ancestor, timeline: Named, from: CatchUpFrom): Promise<Standing> {
  const sums = known(meeting.sums)
  if (ancestor.proof === 'content') return { timeline, sums, txid: from.txid, lastCommitMs: from.lastCommitMs }
  if (ancestor.proof === 'log') return caughtUp(meeting, timeline, from, ancestor.sums)
  return publishPages(meeting, timeline, new Set(sums.differingFrom(ancestor.sums)), from.txid + 1)
}

/** Publishes what the log holds after that point. `sums`: as of it, and afterwards of the end. */
async function caughtUp({ world, database, base }: Meeting, timeline: Named, from: CatchUpFrom, sums: PageSums): Promise<Standing> {
  const { txid, lastCommitMs } = await catchUp(world, numberOf(timeline), from, database.bytes, base, () => Promise.resolve(sums))
  return { timeline, sums, txid, lastCommitMs }
}

/**
 * Publishes pages of the database as it is met: all of them as a snapshot, or those that the replica has otherwise as one flush.
 * How many commits they bring is not known.
 */
async function publishPages(meeting: Meeting, timeline: Named, which: ReadonlySet<number> | 'all', txid: number): Promise<Standing> {
  const { world, database, base } = meeting
  const sums = known(meeting.sums)
  const seenMs = world.clock.wallMs()
  const [level, minTxid] = which === 'all' ? [snapshotLevel, 1] : [0, txid]
  const facts: FlushFacts = {
    pageSize: base.pageSize,
    databasePages: base.pages,
    minTxid,
    maxTxid: txid,
    commits: null,
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
  const key = fileKey(world.store.layout, numberOf(timeline), level, minTxid, txid)
  await publish(world.store, key, encodePages(facts, database.bytes, base, which, onPage), seenMs)
  return { timeline, sums, txid, lastCommitMs: seenMs }
}

function continued({ current, last }: Meeting): readonly [CatalogueTimeline, LastPoint] {
  return [known(current), known(last)]
}

function known<T>(fact: T | null): T {
  return must(fact, 'a decision comes with the facts that it takes')
}

function numberOf({ number }: Named): string {
  if (number !== null) return number
  throw new DrError('REPLICA_FOREIGN', {
    what: 'a replica of Litestream is never written',
    untouched: 'Nothing was written.',
    next: 'Give another folder with --replica.',
  })
}

function refused({ world, database, last }: Meeting, decision: ResumeDecision): DrError {
  const point = last === null ? '' : ` (its newest restore point is ${formatTxid(last.txid)})`
  return new DrError('DATABASE_OTHER', {
    what: `${database.path} does not belong to the replica ${world.store.url}${point}: ${decision.because}`,
    untouched: 'Nothing was published, and the database was not touched.',
    next: 'Give this database a replica of its own with --replica; if it is the same database after all, add --take-over.',
  })
}
