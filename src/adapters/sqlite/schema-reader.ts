/** Tables and columns of a SQLite file, by SQLite itself. */
import type { SchemaReader } from '../../ports/schema-reader.ts'
import { readDatabase } from './read-database.ts'

/** No virtual ones: SQLite here may not know the module of one, and a ledger is none. */
const realTables = "m.type = 'table' AND m.rootpage > 0"

export const schemaReader: SchemaReader = {
  read: async (path, access) =>
    readDatabase(path, access, (database) => {
      const tables: Record<string, string[]> = {}
      const columns = database.prepare(
        `SELECT m.name AS name, c.name AS column_name FROM sqlite_schema AS m JOIN pragma_table_info(m.name) AS c WHERE ${realTables}`,
      )
      for (const row of columns.all()) {
        const name = String(row['name'])
        tables[name] = [...(tables[name] ?? []), String(row['column_name'])]
      }
      const keys = database.prepare(
        `SELECT count(*) AS keys FROM sqlite_schema AS m JOIN pragma_foreign_key_list(m.name) WHERE ${realTables}`,
      )
      return { tables, foreignKeys: Number(keys.get()?.['keys']) }
    }),
}
