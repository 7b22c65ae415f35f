/** How soon a capture looks at the log again while there is news. Pure. */

/** Chosen: a look costs microseconds, and a reaction to each file event would cost the writer. */
const longestLookMs = 20
/** Chosen: who wants each commit flushed at once waits for this and for the disk, and his bot still writes most commits between two looks. */
const shortestLookMs = 5

/** Chosen: behind a full pin a bot at full speed loses half of its speed; with looks each 2 ms that is 1 % of a cycle, with 20 ms it was 10 %. */
const soonMs = 2

/** Chosen: while nothing is new, a file event wakes us; one may be missed, and a look each second costs 0.1 % of a core. */
export const slowPollMs = 1000

export interface CadenceFacts {
  readonly flushIntervalMs: number
  /** Since the last flush began. */
  readonly sinceFlushMs: number
  /** What comes next comes within milliseconds (pins.ts). */
  readonly soon: boolean
}

/** ms, whole and above 0. A look falls on the moment at which a flush is due: it would wait for the one after it otherwise. */
export function nextLookMs({ flushIntervalMs, sinceFlushMs, soon }: CadenceFacts): number {
  if (soon) return soonMs
  const lookMs = Math.min(longestLookMs, Math.max(shortestLookMs, flushIntervalMs))
  const dueMs = flushIntervalMs - sinceFlushMs
  return Math.ceil(dueMs > 0 ? Math.min(lookMs, dueMs) : lookMs)
}
