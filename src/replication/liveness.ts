/**
 * Whether a capture may go on, by the signs of life that it gave: a capture that stands still while it keeps writers waiting would be an
 * outage of our own making. Pure.
 */
import type { CaptureSign } from '../ports/capture-watch.ts'
import { formatDuration } from '../units.ts'

export interface LifeSigns {
  /** When the newest sign came, ms of the monotonic clock. */
  readonly lastMs: number
  /** Since when writers may wait for it; null: they do not. */
  readonly lockSinceMs: number | null
  /** It is in one call that may take long. */
  readonly atWork: boolean
}

export interface LifeLimits {
  /** How long writers may wait. */
  readonly lockMs: number
  /** How long it may give no sign. */
  readonly silenceMs: number
  /** The same in one call that may take long: writing a large log into the file on a slow disk is progress. */
  readonly workMs: number
}

/** Chosen: bots wait for 5 s by default, and one second of it is the most that we take; two orders more than our longest lock measured. */
export const lifeLimits: LifeLimits = { lockMs: 1000, silenceMs: 10_000, workMs: 60_000 }

export type Verdict = { readonly do: 'wait'; readonly ms: number } | { readonly do: 'kill'; readonly because: string }

export function born(nowMs: number): LifeSigns {
  return { lastMs: nowMs, lockSinceMs: null, atWork: false }
}

export function after(signs: LifeSigns, sign: CaptureSign, nowMs: number): LifeSigns {
  const now = { ...signs, lastMs: nowMs }
  switch (sign) {
    case 'beat':
      return now
    case 'lock-wanted':
      return { ...now, lockSinceMs: nowMs }
    case 'lock-released':
      return { ...now, lockSinceMs: null }
    case 'work-begun':
      return { ...now, atWork: true }
    case 'work-ended':
      return { ...now, atWork: false }
  }
}

/** `wait`: for that long nothing can change but by a new sign. */
export function judge({ lastMs, lockSinceMs, atWork }: LifeSigns, nowMs: number, limits: LifeLimits): Verdict {
  if (lockSinceMs !== null && nowMs - lockSinceMs > limits.lockMs) {
    return {
      do: 'kill',
      because: `it kept writers waiting for ${formatDuration(nowMs - lockSinceMs)} (at most ${formatDuration(limits.lockMs)})`,
    }
  }
  const patienceMs = atWork ? limits.workMs : limits.silenceMs
  const silentMs = nowMs - lastMs
  if (silentMs > patienceMs) {
    return { do: 'kill', because: `it gave no sign of life for ${formatDuration(silentMs)} (at most ${formatDuration(patienceMs)})` }
  }
  const untilLock = lockSinceMs === null ? Number.POSITIVE_INFINITY : lockSinceMs + limits.lockMs - nowMs
  return { do: 'wait', ms: Math.min(untilLock, lastMs + patienceMs - nowMs) + 1 }
}
