/** What a recovery gives up: what the replica has beyond the restored point, and what was lacking before it began. */
import { must } from '../assert.ts'
import { isDrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { UnfinishedRecovery } from '../ports/recovery-memory.ts'
import { type CatalogueTimeline, reachablePoints } from '../replica/catalogue.ts'
import { commitsIn } from '../replica/commits.ts'
import type { ReplicaFile } from '../replica/layout.ts'
import { readHeader } from '../replica/read-object.ts'
import { olderText } from '../replication/capture-event.ts'
import { counted } from '../units.ts'
import type { RunFacts } from './run-facts.ts'

export type Loss = Pick<RunFacts['chosen'], 'lostTransactions' | 'dataLossMs' | 'lossBecause'>

export const nothingLost: Loss = { lostTransactions: 0, dataLossMs: 0, lossBecause: 'no committed transaction is lost' }

const unknown = (why: string): Loss => ({ lostTransactions: null, dataLossMs: null, lossBecause: `what was lost is not known: ${why}` })

/** What the replica has beyond the chosen point is what is given up, by the counts in its own files. */
export async function countLoss(
  store: ObjectStore,
  timeline: CatalogueTimeline,
  good: ReplicaFile,
  facts: Pick<Partial<RunFacts>, 'drained' | 'unseen' | 'older' | 'before'>,
): Promise<Loss> {
  return onTop(await countOwn(store, timeline, good, facts), facts)
}

/** What was lacking already comes on top of what is given up now: a file that a run before this one restored has all of itself. Pure. */
export function onTop(loss: Loss, { older, before }: Pick<Partial<RunFacts>, 'older' | 'before'>): Loss {
  const own = before === undefined ? loss : onTopOf(loss, before)
  return (older ?? []).reduce<Loss>(
    (sum, one) => ({
      lostTransactions: one.commits.least === one.commits.most ? plus(sum.lostTransactions, one.commits.least) : null,
      dataLossMs: null,
      lossBecause: `${sum.lossBecause}; ${olderText(one)}`,
    }),
    own,
  )
}

function onTopOf(loss: Loss, { runId, evidence, restored, lostTransactions: lost, dataLossMs }: UnfinishedRecovery): Loss {
  if (restored === null && lost === 0) return loss
  const what = lost === null ? 'not known how many transactions' : counted(lost, 'transaction')
  const where = evidence.length === 0 ? '' : `; what stood there before is in ${evidence.join(', ')}`
  return {
    lostTransactions: plus(loss.lostTransactions, lost),
    dataLossMs: plus(loss.dataLossMs, dataLossMs),
    lossBecause: `${loss.lossBecause}; a recovery before this one (${runId}), which was not finished, gave up ${what}${where}`,
  }
}

const plus = (one: number | null, more: number | null): number | null => (one === null || more === null ? null : one + more)

async function countOwn(
  store: ObjectStore,
  timeline: CatalogueTimeline,
  good: ReplicaFile,
  { drained, unseen }: Pick<Partial<RunFacts>, 'drained' | 'unseen'>,
): Promise<Loss> {
  if (drained === undefined) return unknown('the replica was not drained')
  if (unseen !== undefined) return unknown(unseen.because)
  if (drained.timeline !== (timeline.number ?? '')) return unknown(`the database was on timeline ${drained.timeline}`)
  if (!drained.complete) return unknown(drained.because)
  if (drained.txid > timeline.latestTxid) {
    return unknown(`the replica has a gap after ${formatTxid(timeline.latestTxid)}; it was written up to ${formatTxid(drained.txid)}`)
  }
  try {
    return await countGiven(store, timeline, good)
  } catch (error) {
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    return unknown(error.message)
  }
}

/** @throws LTX_DAMAGED */
async function countGiven(store: ObjectStore, timeline: CatalogueTimeline, good: ReplicaFile): Promise<Loss> {
  const given = reachablePoints(timeline).filter((point) => point.maxTxid > good.maxTxid)
  if (given.length === 0) return nothingLost
  let lost = 0
  // By the times inside of the files: those of the store are of whoever copied them last.
  const times = [(await readHeader(store, good.key)).timestampMs]
  for (const point of given) {
    const header = await readHeader(store, point.key)
    times.push(header.timestampMs)
    const commits = commitsIn(point, header)
    if (commits === null) return unknown(`${point.key} does not say how many commits it holds`)
    lost += commits
  }
  const lossBecause = `${lost} transactions after it are given up`
  const wentBack = times.some((timeMs, at) => timeMs < (times[at - 1] ?? 0))
  if (wentBack)
    return {
      lostTransactions: lost,
      dataLossMs: null,
      lossBecause: `${lossBecause}; of how long is not known, because the clock was set back`,
    }
  return { lostTransactions: lost, dataLossMs: must(times.at(-1), 'one of them') - must(times[0], 'one of them'), lossBecause }
}
