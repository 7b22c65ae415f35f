/** Questions to a SQLite file. A file that nobody has open is read as it is: no -wal or -shm appears beside it. */
export interface DatabaseChecks {
  /**
   * `quick` finds broken structure; `full` also compares indexes with tables, and is about ten times slower. Problems found, empty when sound.
   * @throws SQLITE_LACKS when some tables could not be checked, and nothing is wrong with the others
   */
  integrity(path: string, depth: 'quick' | 'full', access: FileAccess): Promise<readonly string[]>
  /**
   * First column of the first row of one read-only statement, null when there is no row. A whole number beyond 2^53 is its decimal text.
   * @throws DATABASE_DAMAGED; CHECK_FAILED when the statement is wrong, would change something, or does not end in time
   */
  queryValue(path: string, sql: string, access: FileAccess): Promise<string | number | null>
  /** Rows of each table, by table name. @throws DATABASE_DAMAGED; SQLITE_LACKS when some could not be read, and all others could */
  rowCounts(path: string, access: FileAccess): Promise<Readonly<Record<string, number>>>
  /** What each of the pages is used for: "leaf of table orders", "overflow of index by_time"; a free page is not in the result. @throws DATABASE_DAMAGED */
  pageUses(path: string, pages: readonly number[], access: FileAccess): Promise<ReadonlyMap<number, string>>
}

/** 'alone': nobody has the file open and it has no WAL. 'shared': a live database, read through SQLite's locks. */
export type FileAccess = 'alone' | 'shared'
