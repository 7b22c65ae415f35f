/** Changes how SQLite keeps the transactions of a database. */

export interface JournalMode {
  /**
   * The database is in WAL mode, durably, and nothing is left beside it. Only where nobody has it open.
   * If we die here: SQLite's own transaction is there or not; what is left beside is taken up by whoever opens it next.
   * Safe to repeat: yes, because a database in WAL mode is left as it is.
   * @throws DATABASE_BUSY when somebody has it open after all, DATABASE_READ_ONLY, DATABASE_DAMAGED, DISK_FULL
   */
  toWal(path: string): Promise<void>
}
