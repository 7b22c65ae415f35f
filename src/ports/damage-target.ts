/**
 * A database file that a drill damages while a bot has it open. The bytes go past SQLite and its locks, as those of a failing disk or a
 * stray writer do. A process that uses this has no SQLite connection to the same file: closing would drop the locks of that one.
 */
export interface DamageTarget {
  readonly path: string
  /** Bytes of the database file now. */
  sizeBytes(): number
  /** Bytes of the database file from `offset` into `into`; how many were there. */
  read(offset: number, into: Uint8Array): number
  /** The same for the WAL that lies beside it now; 0 when there is none. */
  readWal(offset: number, into: Uint8Array): number
  overwrite(offset: number, bytes: Uint8Array): void
  truncate(sizeBytes: number): void
  /** False when there was no WAL. */
  unlinkWal(): boolean
  close(): void
}
