/**
 * A SQLite file opened to be asked. 'alone' opens with immutable=1: SQLite takes no locks and makes no -wal or -shm beside the file.
 * 'shared' opens a live database for reading only, so that closing it, even as the last one, checkpoints nothing and deletes no log.
 */
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import type { FileAccess } from '../../ports/database-checks.ts'
import { resultCode, sqliteError } from './errors.ts'

/**
 * What `ask` answers. Never in the process that captures that database: POSIX drops the locks that a process has on a file as soon as it
 * closes any descriptor of it.
 * @throws as sqliteError, and what `ask` throws
 */
export function readDatabase<T>(path: string, access: FileAccess, ask: (database: DatabaseSync) => T): T {
  let database: DatabaseSync | null = null
  try {
    const url = pathToFileURL(path)
    if (access === 'alone') url.search = '?mode=ro&immutable=1'
    database = new DatabaseSync(url, { readOnly: true, timeout: 2000 })
    return ask(database)
  } catch (error) {
    throw resultCode(error) === null ? error : sqliteError(error, `read ${path}`)
  } finally {
    database?.close()
  }
}
