/** The read marks that the kernel says a process holds on a database, as a look from outside. */
import { statSync } from 'node:fs'
import { locksOn } from '../../src/adapters/proc/lock-table.ts'
import { shmLocks } from '../../src/wal/shm-locks.ts'

/** False also when there is no -shm. */
export function holdsReadMark(pid: number | undefined, database: string): boolean {
  const shm = statSync(`${database}-shm`, { throwIfNoEntry: false })
  if (shm === undefined) return false
  return locksOn({ device: shm.dev, inode: shm.ino }, shmLocks.readMarks).some((lock) => lock.pid === pid && lock.mode === 'READ')
}
