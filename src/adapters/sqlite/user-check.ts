/**
 * One check of the user, asked of a database: a statement that may only read. SQLite itself is told to refuse everything else, so that
 * neither VACUUM INTO nor ATTACH nor a setting comes through, whatever the statement looks like.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { type DatabaseSync, constants as sqlite } from 'node:sqlite'
import { DrError, isDrError, sentenceOf } from '../../errors.ts'
import type { FileAccess } from '../../ports/database-checks.ts'
import { databaseHeaderBytes, decodeDatabaseHeader } from '../../wal/database-header.ts'
import type { Reply } from '../control/protocol.ts'
import { diskError } from '../filesystem/durable.ts'
import { resultCode, sqliteError } from './errors.ts'
import { readDatabase } from './read-database.ts'

export interface CheckQuestion {
  readonly path: string
  /** null: by its first bytes, in which journal mode it is; no answer is of a file that does not begin like a SQLite database. */
  readonly sql: string | null
  readonly access: FileAccess
}

/** Chosen: far more than anybody writes into `equals`, and little enough to be sent and shown. */
const longestText = 64 * 1024

/** Never throws: what goes wrong is the answer. Blocks for as long as SQLite works on it. */
export function answerCheck({ path, sql, access }: CheckQuestion): Reply {
  try {
    if (sql === null) return { ok: true, value: journalModeOf(path) }
    return { ok: true, value: readDatabase(path, access, (database) => firstValue(database, path, sql)) }
  } catch (error) {
    const { code, message, untouched, next } = isDrError(error) ? error : checkFailed(sentenceOf(error), error)
    return { ok: false, error: { code, what: message, untouched, next } }
  }
}

/** In a process of its own, because closing a descriptor of the file gives the locks of all others up. */
function journalModeOf(path: string): string | null {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const bytes = new Uint8Array(databaseHeaderBytes)
      return decodeDatabaseHeader(bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0)))?.journal ?? null
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw diskError(error, `read ${path}`, 'The database was not changed by us.')
  }
}

function firstValue(database: DatabaseSync, path: string, sql: string): string | number | null {
  database.exec('PRAGMA query_only=1')
  database.setAuthorizer((action, first, second) => (mayRead(action, first, second) ? sqlite.SQLITE_OK : sqlite.SQLITE_DENY))
  try {
    const statement = database.prepare(sql)
    // Otherwise a whole number beyond 2^53 is a RangeError.
    statement.setReadBigInts(true)
    return shown(Object.values(statement.get() ?? {})[0] ?? null)
  } catch (error) {
    // What is wrong with the database has its own code; the rest is wrong with the statement.
    const known = resultCode(error) === null || resultCode(error) === 1 ? null : sqliteError(error, `read ${path}`)
    throw known === null || known.code === 'IO_FAILED' ? checkFailed(sentenceOf(error), error) : known
  }
}

function shown(value: unknown): string | number | null {
  if (value === null || (typeof value === 'number' && Number.isFinite(value))) return value
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Uint8Array) return `x'${Buffer.from(value.subarray(0, longestText)).toString('hex')}'`
  return String(value).slice(0, longestText)
}

const { SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION, SQLITE_RECURSIVE, SQLITE_PRAGMA } = sqlite
const readingActions: readonly number[] = [SQLITE_SELECT, SQLITE_READ, SQLITE_FUNCTION, SQLITE_RECURSIVE]
// Source: sqlite.org/pragma.html, read 2026-11-25. The value of these names what is asked about; that of any other would set something.
const pragmasWithQuestion =
  /^(table_info|table_xinfo|table_list|index_info|index_xinfo|index_list|foreign_key_list|foreign_key_check|quick_check|integrity_check)$/i
const pragmasThatAct = /^(wal_checkpoint|optimize|incremental_vacuum|shrink_memory)$/i

function mayRead(action: number, first: string | null, second: string | null): boolean {
  if (action !== SQLITE_PRAGMA) return readingActions.includes(action)
  return second === null ? !pragmasThatAct.test(first ?? '') : pragmasWithQuestion.test(first ?? '')
}

export function checkFailed(why: string, cause?: unknown): DrError {
  return new DrError('CHECK_FAILED', {
    what: `the check could not be asked: ${why}`,
    untouched: 'The database was not changed by us.',
    next: 'Correct the statement under "checks" in the configuration; it may only read.',
    cause,
  })
}
