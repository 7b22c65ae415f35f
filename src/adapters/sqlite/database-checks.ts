/**
 * Questions to SQLite files. Our own are asked in this process, so it must not be the one that captures that database. Those of the user
 * may take any time and try anything: they are asked in a process beside (check-process.ts), where they only read and come to an end.
 */
import { isDrError } from '../../errors.ts'
import type { DatabaseChecks } from '../../ports/database-checks.ts'
import { checkProcess } from './check-process.ts'
import { readDatabase } from './read-database.ts'

/** Chosen: one pass over a database of some GB takes seconds, and a statement that needs more than a minute eats the time of the recovery. */
const checkLimitMs = 60_000

const askCheck = checkProcess(checkLimitMs)

export const databaseChecks: DatabaseChecks = {
  integrity: async (path, depth, access) => {
    try {
      return readDatabase(path, access, (database) =>
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
  queryValue: async (path, sql, access) => {
    const value = await askCheck({ path, sql, access })
    return typeof value === 'number' || typeof value === 'string' ? value : null
  },
  rowCounts: async (path, access) =>
    readDatabase(path, access, (database) => {
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
  pageUses: async (path, pages, access) =>
    readDatabase(path, access, (database) => {
      const uses = database.prepare(`SELECT d.pagetype AS part, coalesce(s.type, 'schema') AS type, d.name FROM dbstat AS d
        LEFT JOIN sqlite_schema AS s ON s.name = d.name AND s.type IN ('table', 'index') WHERE d.pageno = ?`)
      const found = new Map<number, string>()
      for (const page of pages) {
        const row = uses.get(page)
        if (row !== undefined) found.set(page, `${String(row['part'])} of ${String(row['type'])} ${String(row['name'])}`)
      }
      return found
    }),
}
