/**
 * A live SQLite database in WAL mode, as the capture sees it: locks through SQLite's own connections, bytes through
 * descriptors that are opened once. The implementation must never close a descriptor of the database file, nor open the
 * -shm file at all, while its connections are open: POSIX would drop SQLite's locks with it.
 * Everything here is synchronous: each call is microseconds to milliseconds, and order is what matters.
 */
import type { DiskReader } from './disk-reader.ts'

export interface LiveDatabase {
  readonly path: string
  readonly identity: BornFile
  readonly locks: DatabaseLocks
  readonly bytes: DatabaseBytes
  readonly disk: DiskReader
  /** Which of the opened files is no longer the one under its path. 'wal' also when the WAL was deleted. */
  moved(): readonly ('database' | 'wal' | 'shm')[]
  /** Another database file stands under the path of this one. False also when nothing does. */
  replaced(): boolean
  /** A log with something in it stands in the place of the one that is followed: somebody opened the database anew. */
  otherLog(): boolean
  /** What is followed, wherever it is now; null: there was none. */
  logFiles(): { readonly wal: FileIdentity | null; readonly shm: FileIdentity | null }
  /** Calls back soon after the WAL changed, possibly before the change is committed. Returns how to stop. */
  watch(onChange: () => void): () => void
  /** Drops all locks, connections and descriptors, in the order that SQLite needs. */
  close(): void
}

/** Databases that nobody has open, as files. */
export interface RestingDatabases {
  /** null when nothing is at the path. To be closed. @throws DATABASE_NOT_SQLITE when that is no regular file; IO_FAILED */
  open(path: string): RestingDatabase | null
}

/** A database that nobody has open. */
export interface RestingDatabase {
  readonly identity: BornFile
  readonly bytes: DatabaseBytes
  readonly disk: DiskReader
  close(): void
}

export interface DatabaseLocks {
  /**
   * Opens a read transaction at the end of the WAL on connection `slot`. While it stands on a frame that is not backfilled,
   * SQLite cannot restart the WAL; while it stands on a fully backfilled WAL, nobody can backfill what comes next.
   * @throws DATABASE_BUSY, DATABASE_DAMAGED, DATABASE_EXCLUSIVE
   */
  pin(slot: PinSlot): void
  unpin(slot: PinSlot): void
  /** How far the WAL is committed and backfilled, in frames. Takes no lock that a writer waits for. */
  walEnd(): WalEnd
  /** Holds the write lock without writing. False when a writer has it, and when it is not proven that we have it. */
  lockWriters(): boolean
  /** Why our own locks are not known to be held, by the last that was looked for; null: they are. The first pin and the first write lock are. */
  unproven(): string | null
  /** Why it is not known that a pin of ours stands at this moment; null: the kernel shows it. */
  pinUnproven(): string | null
  unlockWriters(): void
  /** Backfills what pins allow (PASSIVE). null: another checkpoint is at work. */
  checkpoint(): WalEnd | null
  /** Makes the log empty (TRUNCATE) when the file has all of it. False: a writer or a reader is in the way, and it stays as it is. */
  truncate(): boolean
}

export type PinSlot = 0 | 1

export interface WalEnd {
  /** Frames in the WAL up to the last commit. */
  readonly frames: number
  /** Frames of them that are in the database file too. */
  readonly backfilled: number
}

export interface DatabaseBytes {
  /**
   * Bytes of the WAL from `offset` into `into`; how many were there, fewer only at its end. 0 when there is no WAL.
   * @throws WAL_DAMAGED where the disk does not give them; IO_FAILED
   */
  readWal(offset: number, into: Uint8Array): number
  /** The same for the database file. @throws DATABASE_DAMAGED where the disk does not give them; IO_FAILED */
  readDatabase(offset: number, into: Uint8Array): number
  /** Size of the database file now, in bytes. */
  databaseBytes(): number
}

/** A file and when it was made: an inode is given to a new file soon after the old one is deleted. */
export interface BornFile extends FileIdentity {
  /** ms since the epoch, as the file system says; where it says nothing, any constant. */
  readonly bornMs: number
}

/** Names a file whatever its path is. */
export interface FileIdentity {
  readonly device: number
  readonly inode: number
}
