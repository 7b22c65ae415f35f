/**
 * Whether SQLite's locks of this process are really held, as the kernel shows it: SQLite says of a lock that it was taken also where there
 * is none to take. Reading the table costs 10 us on a quiet machine. The -shm is never opened for it: the lock trap.
 */
import { sentenceOf } from '../../errors.ts'
import type { FileIdentity } from '../../ports/live-database.ts'
import { ownPid, readLocks } from '../proc/lock-table.ts'
import { isForbidden, isGone } from '../proc/process-table.ts'

/** Bytes of the -shm, inclusive. Source: SQLite's walformat (WAL_WRITE_LOCK, WAL_READ_LOCK), read 2026-11-26. */
const bytesOf = { 'write lock': { mode: 'WRITE', from: 120, to: 120 }, 'read mark': { mode: 'READ', from: 123, to: 127 } } as const

/** null: held, as the kernel shows it; otherwise why that is not known. By inode: one process locks one file of that number. */
export function whyUnproven(shm: FileIdentity | null, lock: keyof typeof bytesOf): string | null {
  if (shm === null) return `there is no -shm to look for the ${lock} on`
  const { mode, from, to } = bytesOf[lock]
  try {
    const own = ownPid()
    const held = readLocks().some((one) => {
      return one.inode === shm.inode && one.pid === own && one.mode === mode && one.from >= from && one.to <= to
    })
    return held ? null : `/proc/locks does not show the ${lock} that SQLite says it took`
  } catch (error) {
    if (!isGone(error) && !isForbidden(error)) throw error
    return `/proc/locks cannot be read (${sentenceOf(error)}), so the ${lock} is not proven`
  }
}
