/**
 * Keeps one capture process alive and harmless: starts it, ends it where it would hold up the bot, and starts the next one. It opens no
 * database itself, so whatever blocks a capture cannot block this.
 * If we die at any point: the capture hears it on its leash, flushes and ends. A killed one leaves whole files in the replica, and the next
 * one finds in the log where it goes on.
 */
import type { DrainOutcome } from '../ports/capture-control.ts'
import type { CaptureEnd, CaptureLife, StartCapture } from '../ports/capture-process.ts'
import type { Clock } from '../ports/clock.ts'
import type { CaptureEvent } from './capture-event.ts'
import { after, born, judge, type LifeLimits, type LifeSigns } from './liveness.ts'
import { mends, withNext } from './mends.ts'

export interface SupervisorWorld {
  readonly clock: Clock
  readonly start: StartCapture
  readonly limits: LifeLimits
  readonly onEvent: (event: CaptureEvent) => void
}

export interface SupervisorOptions {
  readonly takeOver: boolean
  /** Aborted: the capture is told to flush and end. */
  readonly signal: AbortSignal
  /** A person sees why the first process ended; an agent tells a person, and may recover the database meanwhile. */
  readonly watcher: 'person' | 'agent'
}

/** Chosen: the first new start is at once for a person, and a capture that cannot live is tried six times a minute. */
const firstPauseMs = 250
const longestPauseMs = 10_000
const waitPauseMs = 1000
/** Chosen: whoever lived for a minute did not end of how it was started. */
const longLifeMs = 60_000

/** Ends when `signal` aborts, with what the last drain said; null: it was not attached then. @throws what does not mend by itself */
export async function superviseCapture(world: SupervisorWorld, options: SupervisorOptions): Promise<DrainOutcome | null> {
  const { clock, onEvent } = world
  const { signal, watcher } = options
  const known: Known = { attached: false, timeline: '', txid: 0 }
  let waitedFor: string | null = null
  for (let pauseMs = firstPauseMs; ; ) {
    const beganMs = clock.monotonicMs()
    const { end, killed } = await oneLife(world, options, known)
    if (signal.aborted) return lastWords(end, killed, known)
    const moment = watcher === 'agent' ? 'process of an agent' : known.attached ? 'next process' : 'first process'
    if (end.error !== null && !mends(end.error, moment)) throw end.error
    // What mends by waiting is no failure of the process: it is said once, and looked for as often as a capture looks itself.
    const waitsFor = killed === null && end.error !== null ? withNext(end.error) : null
    if (waitsFor === null) onEvent({ type: 'restarted', because: killed ?? end.because })
    else if (waitsFor !== waitedFor) onEvent({ type: 'warning', because: waitsFor })
    waitedFor = waitsFor
    if (clock.monotonicMs() - beganMs > longLifeMs) pauseMs = firstPauseMs
    // Whoever attaches to a damaged file reads much of it, from a disk that may be failing.
    const waitMs = end.error?.kind === 'damaged' ? longestPauseMs : waitPauseMs
    await clock.sleep(waitsFor === null ? pauseMs : waitMs, signal)
    if (signal.aborted) return null
    pauseMs = Math.min(2 * pauseMs, longestPauseMs)
  }
}

/** What its events told of all lives. */
interface Known {
  attached: boolean
  timeline: string
  txid: number
}

interface Ended {
  readonly end: CaptureEnd
  /** Why it was killed; null: it was not. */
  readonly killed: string | null
}

async function oneLife({ clock, start, limits, onEvent }: SupervisorWorld, options: SupervisorOptions, known: Known): Promise<Ended> {
  const { signal, takeOver } = options
  const heard: { signs: LifeSigns; news: AbortController } = { signs: born(clock.monotonicMs()), news: new AbortController() }
  const life: CaptureLife = start(takeOver && !known.attached, {
    onSign: (sign) => {
      heard.signs = after(heard.signs, sign, clock.monotonicMs())
      // Only this shortens the time that is waited for.
      if (sign === 'lock-wanted') heard.news.abort()
    },
    onLine: (line) => {
      const event = line as CaptureEvent
      if (event.type === 'attached') known.attached = true
      if (event.type === 'attached' || event.type === 'flushed') Object.assign(known, { timeline: event.timeline, txid: event.txid })
      onEvent(event)
    },
  })
  const over = new AbortController()
  const ended = life.ended.finally(() => over.abort())
  const stop = (): void => life.stop()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  let killed: string | null = null
  while (!over.signal.aborted && killed === null) {
    const verdict = judge(heard.signs, clock.monotonicMs(), limits)
    if (verdict.do === 'wait') {
      heard.news = new AbortController()
      await clock.sleep(verdict.ms, AbortSignal.any([heard.news.signal, over.signal]))
      // We may have been suspended ourselves: what came meanwhile is heard before anything is judged.
      await clock.sleep(0)
    } else {
      killed = verdict.because
      life.kill()
    }
  }
  const end = await ended
  signal.removeEventListener('abort', stop)
  return { end, killed }
}

function lastWords({ finished, outcome, error, because }: CaptureEnd, killed: string | null, known: Known): DrainOutcome | null {
  if (error !== null) throw error
  if (finished || !known.attached) return outcome
  const { timeline, txid } = known
  return { timeline, txid, lastCommitMs: 0, complete: false, because: `the capture did not come to its own end: ${killed ?? because}` }
}
