/** The bytes of the -shm on which SQLite's locks stand, inclusive. Source: sqlite.org/walformat.html and wal.c, read 2026-11-26. Pure. */

export const shmLocks = {
  /** WAL_WRITE_LOCK; held, it is exclusive. */
  writeLock: { from: 120, to: 120 },
  /** WAL_READ_LOCK(0) to (4); whoever reads shares one. */
  readMarks: { from: 123, to: 127 },
} as const
