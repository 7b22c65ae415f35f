/** SQLite databases, found by how their files begin and not by their names. Looking changes nothing. */
import type { FileFacts } from './database-files.ts'

export interface DatabaseSearch {
  /** In `folder` and at most three folders below it. Copies, evidence and state of our own are left out. */
  below(folder: string): Promise<Searched>
  /** @throws DATABASE_MISSING, DATABASE_NOT_SQLITE */
  at(path: string): Promise<DatabaseFile>
}

export interface DatabaseFile extends FileFacts {
  /** Absolute, without symbolic links. */
  readonly path: string
  readonly journal: 'wal' | 'rollback'
}

export interface Searched {
  /** By path. */
  readonly files: readonly DatabaseFile[]
  /** Files whose beginning was read. */
  readonly looked: number
  /** What could not be looked at, each a sentence; empty when all was. */
  readonly gaps: readonly string[]
}
