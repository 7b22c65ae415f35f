/**
 * The journal mode of a database, changed by SQLite. The change is one transaction of SQLite's own, which begins only with an exclusive lock:
 * a bot that has opened the database since somebody looked makes it fail, and nothing is changed.
 */
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { DrError } from '../../errors.ts'
import type { JournalMode } from '../../ports/journal-mode.ts'
import { sqliteError } from './errors.ts'

export const journalMode: JournalMode = {
  toWal: async (path) => {
    let database: DatabaseSync | null = null
    try {
      database = new DatabaseSync(existingFile(path), { timeout: 0 })
      const mode = database.prepare('PRAGMA journal_mode=WAL').get()?.['journal_mode']
      if (mode !== 'wal') {
        throw new DrError('IO_FAILED', {
          what: `SQLite did not switch ${path} to WAL mode and left it in mode "${String(mode)}"`,
          untouched: 'The database is as it was.',
          next: 'WAL needs shared memory, which network file systems do not give: move the database to a local disk.',
        })
      }
    } catch (error) {
      throw sqliteError(error, `switch ${path} to WAL mode`)
    } finally {
      // The last connection to close writes the log back and removes -wal and -shm.
      database?.close()
    }
  },
}

/** Otherwise SQLite would make a file that is not there. */
function existingFile(path: string): URL {
  const url = pathToFileURL(path)
  url.search = '?mode=rw'
  return url
}
