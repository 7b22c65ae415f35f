/** What a storm has seen, added up and in words. */

export interface StormFacts {
  transactions: number
  /** Of the capture, by SIGKILL. */
  kills: number
  /** Starts of the capture by what it decided, by the code with which it refused, or that it was killed before. */
  readonly starts: Map<string, number>
  restores: number
  /** Of those, how many Litestream made too, with the same bytes. */
  byLitestream: number
  /** Looks at /proc/locks while it was attached; each found its read mark. */
  looks: number
  suspensions: number
  crashesOfTheBot: number
  longestWalBytes: number
  /** Transaction of the bot, begin to end. */
  longestMs: number
  /** Times that a capture attached anew by itself. */
  reattached: number
}

export const noFacts = (): StormFacts => ({
  transactions: 0,
  kills: 0,
  starts: new Map(),
  restores: 0,
  byLitestream: 0,
  looks: 0,
  suspensions: 0,
  crashesOfTheBot: 0,
  longestWalBytes: 0,
  longestMs: 0,
  reattached: 0,
})

export function addFacts(to: StormFacts, facts: StormFacts): void {
  for (const [start, times] of facts.starts) countStart(to, start, times)
  to.transactions += facts.transactions
  to.kills += facts.kills
  to.restores += facts.restores
  to.byLitestream += facts.byLitestream
  to.looks += facts.looks
  to.suspensions += facts.suspensions
  to.crashesOfTheBot += facts.crashesOfTheBot
  to.reattached += facts.reattached
  to.longestWalBytes = Math.max(to.longestWalBytes, facts.longestWalBytes)
  to.longestMs = Math.max(to.longestMs, facts.longestMs)
}

export function countStart({ starts }: StormFacts, start: string, times: number): void {
  starts.set(start, (starts.get(start) ?? 0) + times)
}

export function describeFacts(facts: StormFacts): string {
  const starts = [...facts.starts].sort(([, a], [, b]) => b - a).map(([start, times]) => `${start} ${times}`)
  return [
    `${facts.transactions} transactions; ${facts.kills} kills and ${facts.suspensions} suspensions of the capture, ${facts.crashesOfTheBot} crashes of the bot`,
    `the capture's starts by what it decided: ${starts.join(', ')}; ${facts.reattached} of them by itself`,
    `${facts.restores} restores, each one transaction of the witness (${facts.byLitestream} by Litestream too); the last of each turn: the database, page for page`,
    `read mark seen at each of ${facts.looks} looks; longest log ${Math.round(facts.longestWalBytes / 1048576)} MiB; longest transaction ${facts.longestMs} ms`,
  ].join('\n')
}
