/** What SQLite throws, in our words. */
import { DrError, type ErrorCode, sentenceOf } from '../../errors.ts'

/** Primary result code of a SQLite error (sqlite.org/rescode.html), null for anything else. */
export function resultCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('errcode' in error) || typeof error.errcode !== 'number') return null
  return error.errcode & 0xff
}

const codes: Readonly<Record<number, ErrorCode>> = {
  5: 'DATABASE_BUSY',
  6: 'DATABASE_BUSY',
  8: 'DATABASE_READ_ONLY',
  10: 'DATABASE_DAMAGED',
  11: 'DATABASE_DAMAGED',
  13: 'DISK_FULL',
  14: 'DATABASE_READ_ONLY',
  26: 'DATABASE_DAMAGED',
}

/** Only SQLite's words tell it from other errors of a statement; tried with 3.51. */
const lacking = /^(no such|unknown) (collation sequence|module|function|tokenizer)\b/

const next: Partial<Record<ErrorCode, string>> = {
  DATABASE_BUSY: 'Repeat in a moment; if it lasts, another program holds the database with locking_mode=EXCLUSIVE.',
  DATABASE_READ_ONLY: 'Run as a user who may write the database file and its folder.',
  DATABASE_DAMAGED: 'Run: genesis-dr execute --scenario DATABASE_CORRUPTION',
  SQLITE_LACKS: 'It is no damage: what the replica proves by its checksums is proven. Check the rest with the program of the bot.',
  DISK_FULL: 'Free space on the file system of the database.',
}

/** `doing` completes "SQLite could not ...". */
export function sqliteError(error: unknown, doing: string): DrError {
  if (error instanceof DrError) return error
  const lacks = resultCode(error) === 1 && lacking.test(sentenceOf(error))
  const code = lacks ? 'SQLITE_LACKS' : (codes[resultCode(error) ?? -1] ?? 'IO_FAILED')
  return new DrError(code, {
    what: `SQLite could not ${doing}: ${sentenceOf(error)}`,
    untouched: 'The database was not changed by us.',
    next: next[code] ?? 'Look at the file, its folder and their permissions.',
    cause: error,
  })
}
