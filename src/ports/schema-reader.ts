/** Which tables a SQLite file has. */
import type { FileAccess } from './database-checks.ts'

export interface SchemaReader {
  /** @throws DATABASE_DAMAGED, DATABASE_BUSY, DATABASE_READ_ONLY */
  read(path: string, access: FileAccess): Promise<Schema>
}

export interface Schema {
  /** Names of the columns of each table, by its name. */
  readonly tables: Readonly<Record<string, readonly string[]>>
  /** Foreign keys that the tables declare. */
  readonly foreignKeys: number
}
