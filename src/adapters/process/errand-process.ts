/**
 * An errand: one piece of work that opens the database, in a process of its own, so that nothing that blocks in it holds up whoever sent it.
 * It ends with us: a run is paused then, anything else is given up.
 */
import { setPriority } from 'node:os'
import { DrError } from '../../errors.ts'
import type { Environment } from './inherited.ts'
import { startLineProcess } from './line-process.ts'

/**
 * Chosen: looks and rehearsals give way to the bot, and a recovery does not. What only looks is killed where it is not wanted any more: inside
 * of SQLite, which may take minutes, it would not hear that it is asked to end.
 */
const manners = { aside: { niceness: 10, endedBy: 'SIGKILL' }, urgent: { niceness: 0, endedBy: 'SIGTERM' } } as const

export interface ErrandOrder {
  /** Path of the program. */
  readonly program: string
  readonly told: object
  readonly environment: Environment
  readonly priority: keyof typeof manners
  /** ms; null: as long as it takes. */
  readonly limitMs: number | null
  readonly onLine: (line: unknown) => void
  /** Aborted: what is urgent is asked to come to an end, anything else is over. */
  readonly signal: AbortSignal
}

/** What it came to. @throws the DrError that it ended with; IO_FAILED when it ended in another way, took longer than it may, or was ended */
export async function runErrand({ program, told, environment, priority, limitMs, onLine, signal }: ErrandOrder): Promise<unknown> {
  const { child, ended } = startLineProcess({ words: [program], told, environment }, onLine)
  const { niceness, endedBy } = manners[priority]
  if (child.pid !== undefined && niceness > 0) setPriority(child.pid, niceness)
  const stop = (): void => void child.kill(endedBy)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  let late = false
  const timer = limitMs === null ? null : setTimeout(() => (late = child.kill('SIGKILL')), limitMs)
  const { finished, value, error, because } = await ended
  if (timer !== null) clearTimeout(timer)
  signal.removeEventListener('abort', stop)
  if (finished) return value
  throw (
    error ??
    new DrError('IO_FAILED', {
      what: signal.aborted ? `it was told to end (${because})` : late ? `it took longer than ${(limitMs ?? 0) / 1000} s` : because,
      untouched: 'Nothing is known by it.',
      next: 'Look at genesis-dr status; it is tried again.',
    })
  )
}
