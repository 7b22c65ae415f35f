/**
 * Questions to SQLite files. Our own are asked in this process, so it must not be the one that captures that database. Those of the user
 * may take any time and try anything: they are asked in a process beside (check-process.ts), where they only read and come to an end.
 */
import type { DatabaseSync } from 'node:sqlite'
import { DrError, isDrError, sentenceOf } from '../../errors.ts'
import type { DatabaseChecks } from '../../ports/database-checks.ts'
import { checkProcess } from './check-process.ts'
import { sqliteError } from './errors.ts'
import { readDatabase } from './read-database.ts'

/** Chosen: one pass over a database of some GB takes seconds, and a statement that needs more than a minute eats the time of the recovery. */
const checkLimitMs = 60_000

const askCheck = checkProcess(checkLimitMs)

export const databaseChecks: DatabaseChecks = {
  integrity: async (path, depth, access) => {
    try {
      return readDatabase(path, access, (database) => problemsOf(database, path, depth === 'quick' ? 'quick_check' : 'integrity_check'))
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
      const { answers, lacks } = askTables(database, path, (table) =>
        Number(database.prepare(`SELECT count(*) AS rows FROM ${quoted(table, '"')}`).get()?.['rows']),
      )
      if (lacks !== null) throw lacks
      return Object.fromEntries(answers)
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

/** null: it does not begin like a SQLite database. @throws IO_FAILED */
export async function journalModeOf(path: string): Promise<'wal' | 'rollback' | null> {
  const mode = await askCheck({ path, sql: null, access: 'alone' })
  return mode === 'wal' || mode === 'rollback' ? mode : null
}

/** @throws SQLITE_LACKS when that is why not all could be checked, and nothing is wrong with the rest */
function problemsOf(database: DatabaseSync, path: string, check: 'quick_check' | 'integrity_check'): readonly string[] {
  const problems = (of: string): readonly string[] =>
    database
      .prepare(`PRAGMA ${check}(${of})`)
      .all()
      .flatMap((row) => String(Object.values(row)[0]).split('\n'))
      .filter((line) => line !== 'ok' && !line.startsWith('*** in database'))
  try {
    return problems('20')
  } catch (error) {
    if (sqliteError(error, `read ${path}`).code !== 'SQLITE_LACKS') throw error
  }
  // The first table that it cannot check hides all the others.
  const { answers, lacks } = askTables(database, path, (table) => problems(quoted(table, "'")))
  const found = [...answers.values()].flat()
  if (found.length === 0 && lacks !== null) throw lacks
  return found
}

/** `lacks`: of which tables SQLite here could not tell, and why; null: of none. */
function askTables<T>(
  database: DatabaseSync,
  path: string,
  ask: (table: string) => T,
): { readonly answers: ReadonlyMap<string, T>; readonly lacks: DrError | null } {
  const tables = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
    .all()
  const answers = new Map<string, T>()
  const unknown: string[] = []
  for (const { name } of tables) {
    try {
      answers.set(String(name), ask(String(name)))
    } catch (error) {
      if (sqliteError(error, `read ${path}`).code !== 'SQLITE_LACKS') throw error
      unknown.push(`${String(name)} (${sentenceOf(error)})`)
    }
  }
  return { answers, lacks: unknown.length === 0 ? null : lackOf(unknown) }
}

function lackOf(unknown: readonly string[]): DrError {
  return new DrError('SQLITE_LACKS', {
    what: `SQLite here does not know what these tables need: ${unknown.join(', ')}; the others were looked at`,
    untouched: 'The database was not changed by us.',
    next: 'It is no damage: what the replica proves by its checksums is proven. Check the rest with the program of the bot.',
  })
}

function quoted(name: string, mark: '"' | "'"): string {
  return `${mark}${name.replaceAll(mark, mark + mark)}${mark}`
}
