/**
 * An errand: one piece of work that opens the database, in a process of its own, so that nothing that blocks in it holds up whoever sent it.
 * It ends with us: a run is paused then, anything else is given up.
 */
import { setPriority } from 'node:os'
import { DrError } from '../../errors.ts'
import type { Environment } from './inherited.ts'
import { startLineProcess } from './line-process.ts'

/** Chosen: looks and rehearsals give way to the bot; a recovery does not. */
const niceness = { aside: 10, urgent: 0 } as const

export interface ErrandOrder {
  /** Path of the program. */
  readonly program: string
  readonly told: object
  readonly environment: Environment
  readonly priority: keyof typeof niceness
  /** ms; null: as long as it takes. */
  readonly limitMs: number | null
  readonly onLine: (line: unknown) => void
  /** Aborted: it is asked to come to an end. */
  readonly signal: AbortSignal
}

/** What it came to. @throws the DrError that it ended with; IO_FAILED when it ended in another way, or took longer than it may */
export async function runErrand({ program, told, environment, priority, limitMs, onLine, signal }: ErrandOrder): Promise<unknown> {
  const { child, ended } = startLineProcess({ words: [program], told, environment }, onLine)
  if (child.pid !== undefined && niceness[priority] > 0) setPriority(child.pid, niceness[priority])
  const stop = (): void => void child.kill('SIGTERM')
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
      what: late ? `it took longer than ${(limitMs ?? 0) / 1000} s` : because,
      untouched: 'Nothing is known by it.',
      next: 'Look at genesis-dr status; it is tried again.',
    })
  )
}
