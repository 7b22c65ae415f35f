/** Who keeps the log of a database from becoming small, and what SQLite they use. */
export interface LogReaders {
  /** Processes that are in a read transaction now; null: it cannot be told. */
  inTransaction(database: string): Promise<readonly number[] | null>
  /** The version of the SQLite that a process has loaded, "3.40.1"; null: not known. */
  sqliteVersion(pid: number): Promise<string | null>
}
