/** Which errors of a capture end without anybody doing anything about them, by where it met them. The one table of that. Pure. */
import type { DrError, ErrorCode, ErrorKind } from '../errors.ts'

interface Row {
  readonly kinds: readonly ErrorKind[]
  /** Of these kinds, those that do not. */
  readonly but: readonly ErrorCode[]
  /** Of other kinds, those that do. */
  readonly also: readonly ErrorCode[]
}

/** What stands at the path while a recovery has the database away. */
const away = ['DATABASE_MISSING', 'DATABASE_NOT_SQLITE'] as const

const table = {
  // A person may be there to see it. A store that is away is waited for all the same: the log is kept meanwhile.
  'first attach': { kinds: ['unavailable'], but: ['DATABASE_BUSY', 'IO_FAILED', 'DISK_FULL'], also: [] },
  'attach again': { kinds: ['unavailable'], but: [], also: away },
  // Of a process that a supervisor started, before one of them followed the database, and after.
  'first process': { kinds: [], but: [], also: [] },
  'next process': { kinds: ['unavailable'], but: [], also: [...away, 'CAPTURE_RUNNING', 'DATABASE_DAMAGED', 'WAL_DAMAGED'] },
  // The runbook that the agent starts, or a person whom it calls, mends the database; the capture goes on then.
  'process of an agent': {
    kinds: ['unavailable', 'damaged'],
    but: [],
    also: [...away, 'CAPTURE_RUNNING', 'DATABASE_NOT_WAL', 'DATABASE_EXCLUSIVE'],
  },
} as const satisfies Record<string, Row>

export type CaptureMoment = keyof typeof table

/** What it waits for; where a person has to act first, with what to do. */
export function withNext({ kind, message, next }: DrError): string {
  return kind === 'refused' ? `${message}. ${next}` : message
}

/** True: it is tried again, because another try may go better. False: a person must see to it first. */
export function mends(error: DrError, moment: CaptureMoment): boolean {
  const { kinds, but, also }: Row = table[moment]
  return also.includes(error.code) || (kinds.includes(error.kind) && !but.includes(error.code))
}
