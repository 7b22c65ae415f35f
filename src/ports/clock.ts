/** Time, as the domain may ask for it. */
export interface Clock {
  /** ms since the Unix epoch, UTC. May jump in either direction: never measure with it. */
  wallMs(): number
  /** ms from an arbitrary start, never going back. Durations are differences of this. */
  monotonicMs(): number
  /** Resolves after `ms`, or at once when `signal` aborts; it never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
