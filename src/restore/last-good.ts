/**
 * The newest restore point that passes the checks: restored and looked at, newest first.
 * Most often the newest is good. If it is not, the distance doubles until a good one is met; if none is, points spread over all of them are
 * looked at, because the first ones may fail a check that the schema of that time did not know. Between a good point and the next bad one
 * the newest good one is found by halves: what came after a bad commit is taken to be bad.
 */
import type { ReplicaFile } from '../replica/layout.ts'

export interface Verdict {
  readonly good: boolean
  readonly because: string
}

export interface Search {
  /** null when none is good. */
  readonly good: ReplicaFile | null
  readonly looked: readonly { readonly txid: number; readonly good: boolean; readonly because: string }[]
}

/** `points`: ascending by txid. `look` restores one and checks it; the last call with a good verdict is that of the result. */
export async function findLastGood(points: readonly ReplicaFile[], look: (point: ReplicaFile) => Promise<Verdict>): Promise<Search> {
  const bads: number[] = []
  const looked: { txid: number; good: boolean; because: string }[] = []
  const isGood = async (index: number): Promise<boolean> => {
    const point = points[index]
    if (point === undefined) return false
    const verdict = await look(point)
    looked.push({ txid: point.maxTxid, ...verdict })
    return verdict.good
  }
  let bad = points.length
  let good = -1
  for (const index of [...doubling(points.length), ...spread(points.length)]) {
    if (looked.some((one) => one.txid === points[index]?.maxTxid)) continue
    if (await isGood(index)) {
      good = index
      bad = Math.min(points.length, ...bads.filter((one) => one > index))
      break
    }
    bads.push(index)
  }
  let last = good
  while (bad - good > 1 && good >= 0) {
    const middle = Math.floor((good + bad) / 2)
    last = middle
    if (await isGood(middle)) good = middle
    else bad = middle
  }
  // The caller keeps what it restored last; if that was a bad one, the good one is restored again.
  if (good >= 0 && last !== good) await isGood(good)
  return { good: points[good] ?? null, looked }
}

/** From the last index back to the first, by steps of 1, 2, 4, ... */
function* doubling(length: number): Generator<number> {
  let index = length - 1
  for (let step = 1; index > 0; step *= 2) {
    yield index
    index = Math.max(0, index - step)
  }
  if (length > 0) yield 0
}

/** Chosen: enough to meet a good stretch of a thirtieth of all, and few enough that a check which is wrong everywhere is soon said to be. */
const spreadPoints = 30

/** Indexes spread evenly, from the last back. */
function* spread(length: number): Generator<number> {
  const step = Math.max(1, length / spreadPoints)
  for (let at = length - 1; at >= 0; at -= step) yield Math.floor(at)
}
