/**
 * Questions to SQLite files. 'alone' opens with immutable=1: SQLite takes no locks and makes no -wal or -shm beside the file.
 * 'shared' opens a live database for reading only, so that closing it, even as the last one, checkpoints nothing and deletes no log.
 * It must not run in the process that captures that database.
 */

import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { isDrError } from '../../errors.ts'
import type { DatabaseChecks, FileAccess } from '../../ports/database-checks.ts'
import { resultCode, sqliteError } from './errors.ts'

export const databaseChecks: DatabaseChecks = {
  integrity: async (path, depth, access) => {
    try {
      return withDatabase(path, access, (database) =>
        database
          .prepare(depth === 'quick' ? 'PRAGMA quick_check(20)' : 'PRAGMA integrity_check(20)')
          .all()
          .flatMap((row) => String(Object.values(row)[0]).split('\n'))
          .filter((line) => line !== 'ok' && !line.startsWith('*** in database')),
      )
    } catch (error) {
      // SQLite throws when the damage is such that it cannot even look: that is an answer.
      if (isDrError(error, 'DATABASE_DAMAGED')) return [error.message]
      throw error
    }
  },
  queryValue: async (path, sql, access) =>
    withDatabase(path, access, (database) => {
      const value = Object.values(database.prepare(sql).get() ?? {})[0] ?? null
      return typeof value === 'number' || typeof value === 'string' ? value : value === null ? null : String(value)
    }),
  rowCounts: async (path, access) =>
    withDatabase(path, access, (database) => {
      const tables = database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
        .all()
      const counts: Record<string, number> = {}
      for (const { name } of tables) {
        const quoted = `"${String(name).replaceAll('"', '""')}"`
        counts[String(name)] = Number(database.prepare(`SELECT count(*) AS rows FROM ${quoted}`).get()?.['rows'])
      }
      return counts
    }),
}

function withDatabase<T>(path: string, access: FileAccess, ask: (database: DatabaseSync) => T): T {
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
