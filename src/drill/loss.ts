/** What was lost, by the bot's own list: acknowledged transactions whose orders the recovered database lacks. Pure. */
import type { WitnessCommit } from './witness.ts'

export interface WitnessedLoss {
  readonly lostTransactions: number
  /** From the last kept commit to the last acknowledged one, ms; 0 when none is lost. */
  readonly dataLossMs: number
  readonly lostOrders: readonly string[]
}

/** Order ids carry the life of the bot that placed them, so that a lost one is never mistaken for a later one. */
export function witnessedLoss(commits: readonly WitnessCommit[], orderIds: ReadonlySet<string>): WitnessedLoss {
  const lost = commits.filter((commit) => !orderIds.has(commit.orderId))
  const lastKept = commits.findLast((commit) => orderIds.has(commit.orderId))
  const lastLost = lost.at(-1)
  const dataLossMs = lastLost === undefined ? 0 : Math.max(0, lastLost.atMs - (lastKept?.atMs ?? commits[0]?.atMs ?? lastLost.atMs))
  return { lostTransactions: lost.length, dataLossMs, lostOrders: lost.map((commit) => commit.orderId) }
}
