/**
 * The newest restore point that passes the checks: restored and looked at, newest first.
 * Most often the newest is good. If it is not, the distance doubles until a good one is met, and the newest good one is found between:
 * what came after a bad commit is taken to be bad, which each candidate that is looked at either confirms or shows.
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
  for (let step = 1; bad > 0; step *= 2) {
    const index = Math.max(0, bad === points.length ? bad - 1 : bad - step)
    if (await isGood(index)) {
      good = index
      break
    }
    bad = index
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
