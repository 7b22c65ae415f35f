/** An error as the three things it says: what happened, what was left untouched, what to do next. Pure. */
import { isDrError, sentenceOf } from '../../errors.ts'
import type { Palette } from './palette.ts'
import { hanging } from './text.ts'

export interface ErrorReport {
  readonly code: string
  readonly what: string
  readonly untouched: string
  readonly next: string
}

/** What is no DrError is a bug of ours, and said to be one. */
export function reportOf(thrown: unknown): ErrorReport {
  if (isDrError(thrown)) return { code: thrown.code, what: thrown.message, untouched: thrown.untouched, next: thrown.next }
  return {
    code: 'BUG',
    what: `a bug in genesis-dr: ${sentenceOf(thrown)}`,
    untouched: 'It is not known what was done: look with genesis-dr status and genesis-dr runs before repeating.',
    next: 'Report it with the command line; the same command with GENESIS_DR_DEBUG=1 shows where it happened.',
  }
}

/** Three lines; on a screen each is wrapped. `columns` null: not a screen. */
export function errorText({ code, what, untouched, next }: ErrorReport, palette: Palette, columns: number | null): string {
  const width = columns ?? Number.POSITIVE_INFINITY
  return [
    hanging(`${palette.bad('error')}      `, `${what} (${code})`, width),
    hanging(`${palette.dim('untouched')}  `, untouched, width),
    hanging(`${palette.dim('next')}       `, next, width),
  ].join('\n')
}
