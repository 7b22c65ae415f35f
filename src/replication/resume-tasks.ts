/** What each decision of resume.ts takes: timelines, and the one file that brings the replica up to the database as it is met. */
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import { lockPage } from '../ltx/lock-page.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { UnprovenPages } from '../ports/capture-state.ts'
import type { CatalogueTimeline } from '../replica/catalogue.ts'
import { fileKey, snapshotLevel } from '../replica/layout.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { counted } from '../units.ts'
import type { Ancestor } from './ancestor.ts'
import type { PageChoice } from './base-scan.ts'
import { type Announce, beginFirstTimeline, beginFork, numberOf } from './begin-timeline.ts'
import { bind } from './bind.ts'
import type { Settled } from './capture-world.ts'
import { type CatchUpFrom, catchUp } from './catch-up.ts'
import { encodePages, type FlushFacts } from './flush.ts'
import type { LastPoint } from './last-point.ts'
import type { Meeting } from './meet.ts'
import { publish } from './publisher.ts'
import type { ResumeDecision } from './resume.ts'
import { stillRotten, withoutRot } from './rot-memory.ts'

type Named = { readonly number: string | null; readonly id: string }
type Task = (meeting: Meeting, decision: ResumeDecision) => Promise<Standing>
/** Where the replica stands when the task is done. */
interface Standing {
  readonly timeline: Named
  readonly sums: PageSums
  readonly txid: number
  readonly lastCommitMs: number
  /** Pages that were taken from the file though no log proves them; null: none were, or it is a beginning, of which nobody knows better. */
  readonly unproven: UnprovenPages | null
  /** Damaged pages that were not taken from the file: the replica keeps what it has of them. */
  readonly left: number
}

export interface CarriedOut {
  readonly attached: Omit<Settled, 'unproven' | 'rot'>
  readonly unproven: UnprovenPages | null
  /** What is to be told of the pages of the file; empty: nothing. */
  readonly about: string
}

/** @throws DATABASE_OTHER, TIMELINE_SEALED, and as the store */
export async function carryOut(meeting: Meeting, decision: ResumeDecision): Promise<CarriedOut> {
  const { timeline, sums, txid, lastCommitMs, unproven, left } = await tasks[decision.do](meeting, decision)
  const { database, base } = meeting
  const attached = {
    database,
    timeline: numberOf(timeline),
    timelineId: timeline.id,
    base,
    sums,
    txid,
    lastCommitMs,
    decision: decision.do,
  }
  const were = (pages: number): string => (pages === 1 ? 'was' : 'were')
  const taken = unproven === null ? [] : [`${counted(unproven.pages, 'page')} ${were(unproven.pages)} taken from the file unproven`]
  const leftOut = left === 0 ? [] : [`${counted(left, 'page')} that a scrub had found damaged ${were(left)} left out`]
  return { attached, unproven, about: [...taken, ...leftOut].join(', and ') }
}

const tasks: Readonly<Record<ResumeDecision['do'], Task>> = {
  begin: async (meeting) => {
    const begun = meeting.catalogue.timelines.at(-1)
    const timeline = begun ?? (await beginFirstTimeline(meeting.world, meeting.catalogue))
    await bind(meeting.world, meeting.database.identity, timeline, { older: meeting.binding?.older ?? [], unproven: null })
    return publishPages(meeting, timeline, 'all', Math.max(begun?.listedTxid ?? 0, begun?.parent?.forkTxid ?? 0) + 1)
  },
  continue: async (meeting) => {
    const [timeline, last] = continued(meeting)
    return caughtUp(meeting, timeline, last, known(meeting.newest))
  },
  adopt: async (meeting) => {
    const [timeline, { txid, lastCommitMs }] = continued(meeting)
    return { ...asItIs(meeting), timeline, txid, lastCommitMs }
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
      sums: asItIs(meeting).sums,
      behind: null,
    }
    const from = { txid: then.txid, lastCommitMs: last.lastCommitMs, behind: then.behind, databasePages: then.sums.pages }
    return afterFork(meeting, then, timeline, from)
  },
  diff: async (meeting) => {
    const [timeline, { txid }] = continued(meeting)
    return publishDiff(meeting, timeline, known(meeting.newest), txid + 1)
  },
  snapshot: async (meeting) => {
    const [timeline] = continued(meeting)
    // Behind a gap too: in front of it, older files would be applied on top of the snapshot.
    return publishPages(meeting, timeline, 'all', timeline.listedTxid + 1)
  },
  'take-over': async (meeting) => {
    const [parent, { txid }] = continued(meeting)
    const timeline = await beginFork(meeting.world, meeting.catalogue, parent, txid, announced(meeting))
    const { newest } = meeting
    return newest === null ? publishPages(meeting, timeline, 'all', txid + 1) : publishDiff(meeting, timeline, newest, txid + 1)
  },
  refuse: async (meeting, decision) => {
    throw refused(meeting, decision)
  },
}

/**
 * Written before a fork can be seen by anybody: whoever dies before he has bound the file to it knows that it is his, whatever the bot has
 * committed since. Until then the file stays bound to where it was.
 */
function announced(meeting: Meeting): Announce {
  const { binding, facts, world, database } = meeting
  return (timeline) =>
    facts.bound && binding !== null
      ? world.state.write({ ...binding, beginning: timeline.id })
      : bind(world, database.identity, timeline, { older: binding?.older ?? [], unproven: null })
}

async function afterFork(meeting: Meeting, ancestor: Ancestor, timeline: Named, from: CatchUpFrom): Promise<Standing> {
  if (ancestor.proof === 'content')
    return { timeline, sums: ancestor.sums, txid: from.txid, lastCommitMs: from.lastCommitMs, unproven: null, left: 0 }
  if (ancestor.proof === 'log') return caughtUp(meeting, timeline, from, ancestor.sums)
  return publishDiff(meeting, timeline, ancestor.sums, from.txid + 1)
}

/** The database equals what the replica has, but for pages that are known to be damaged: these must be what the replica has. */
function asItIs({ sums, newest, base, rot }: Meeting): Pick<Standing, 'sums' | 'unproven' | 'left'> {
  if (newest === null) return { sums: known(sums), unproven: null, left: 0 }
  const proven = withoutRot(known(sums), newest, base, rot)
  return { sums: proven.sums, unproven: null, left: proven.left.length }
}

/**
 * Publishes the pages that the replica has otherwise by `truth`, but for those that are known to be damaged: of these it keeps what it has,
 * and so do the checksums, by which the scrub finds them again.
 */
async function publishDiff(meeting: Meeting, timeline: Named, truth: PageSums, txid: number): Promise<Standing> {
  const { sums, left } = withoutRot(known(meeting.sums), truth, meeting.base, meeting.rot)
  const differs = { has: (page: number) => !sums.sameAs(page, truth) }
  return { ...(await publishPages({ ...meeting, sums }, timeline, differs, txid)), left: left.length }
}

/** A snapshot has every page. It is taken only where the replica cannot say what they must be. */
function warnOfRot({ world, sums, base, rot }: Meeting): void {
  const rotten = stillRotten(known(sums), base, rot)
  if (rotten.length === 0) return
  const because = `the replica cannot say what the pages of the database must be: ${counted(rotten.length, 'page')} that a scrub found damaged ${rotten.length === 1 ? 'goes' : 'go'} into the new snapshot`
  world.onEvent({ type: 'warning', because })
}

/** Publishes what the log holds after that point. `sums`: as of it, and afterwards of the end. */
async function caughtUp({ world, database, base }: Meeting, timeline: Named, from: CatchUpFrom, sums: PageSums): Promise<Standing> {
  const { txid, lastCommitMs } = await catchUp(world, numberOf(timeline), from, database.bytes, base, () => Promise.resolve(sums))
  return { timeline, sums, txid, lastCommitMs, unproven: null, left: 0 }
}

/**
 * Publishes pages of the database as it is met: all of them as a snapshot, or those that the replica has otherwise as one flush.
 * How many commits they bring is not known. That they are not proven is written down before: if we die here, it is told all the same.
 */
async function publishPages(meeting: Meeting, timeline: Named, which: PageChoice, txid: number): Promise<Standing> {
  const { world, database, base } = meeting
  const sums = known(meeting.sums)
  const seenMs = world.clock.wallMs()
  if (which === 'all') warnOfRot(meeting)
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
  const unproven = unprovenIn(meeting, which, txid, seenMs)
  const binding = unproven === null ? null : await world.state.read()
  if (binding !== null) await world.state.write({ ...binding, unproven })
  let reported = world.clock.monotonicMs()
  const onPage = (page: number): void => {
    if (world.clock.monotonicMs() - reported < 500) return
    reported = world.clock.monotonicMs()
    world.onEvent({ type: 'snapshot-progress', pages: page, of: base.pages, pageSize: base.pageSize })
  }
  const key = fileKey(world.store.layout, numberOf(timeline), level, minTxid, txid)
  await publish(world.store, key, encodePages(facts, database.bytes, base, which, onPage), seenMs)
  return { timeline, sums, txid, lastCommitMs: seenMs, unproven, left: 0 }
}

/** null: the log or the replica proves them all, or there is nothing yet by which they could be judged. */
function unprovenIn({ base, last, newest, sums }: Meeting, which: PageChoice, txid: number, atMs: number): UnprovenPages | null {
  const file = known(sums)
  if (last === null || last.rolling === file.rolling) return null
  const proven = (page: number): boolean => base.index?.offsets.has(page) === true || (newest !== null && file.sameAs(page, newest))
  let pages = 0
  for (let page = 1; page <= base.pages; page++) {
    if (page !== lockPage(base.pageSize) && (which === 'all' || which.has(page)) && !proven(page)) pages++
  }
  return pages === 0 ? null : { pages, txid, atMs }
}

function continued({ current, last }: Meeting): readonly [CatalogueTimeline, LastPoint] {
  return [known(current), known(last)]
}

function known<T>(fact: T | null): T {
  return must(fact, 'a decision comes with the facts that it takes')
}

function refused({ world, database, last }: Meeting, decision: ResumeDecision): DrError {
  const point = last === null ? '' : ` (its newest restore point is ${formatTxid(last.txid)})`
  return new DrError('DATABASE_OTHER', {
    what: `${database.path} does not belong to the replica ${world.store.url}${point}: ${decision.because}`,
    untouched: 'Nothing was published, and the database was not touched.',
    next: 'Give this database a replica of its own with --replica; if it is the same database after all, add --take-over.',
  })
}
