/**
 * Whether SQLite's locks of this process are really held, as the kernel shows it: SQLite says of a lock that it was taken also where there
 * is none to take. Reading the table takes the kernel 5 to 25 ms (measured on
 * 6.18), in which nobody on the machine takes or gives back a lock: it is asked once, not at each checkpoint. The -shm is never opened for it: the lock trap.
 */
import { sentenceOf } from '../../errors.ts'
import type { FileIdentity } from '../../ports/live-database.ts'
import { shmLocks } from '../../wal/shm-locks.ts'
import { locksOn, ownPid } from '../proc/lock-table.ts'
import { isForbidden, isGone } from '../proc/process-table.ts'

const looksOf = {
  'write lock': { mode: 'WRITE', bytes: shmLocks.writeLock },
  'read mark': { mode: 'READ', bytes: shmLocks.readMarks },
} as const

/** null: held, as the kernel shows it; otherwise why that is not known. */
export function whyUnproven(shm: FileIdentity | null, lock: keyof typeof looksOf): string | null {
  if (shm === null) return `there is no -shm to look for the ${lock} on`
  const look = looksOf[lock]
  try {
    const own = ownPid()
    const held = locksOn(shm, look.bytes).some(({ pid, mode }) => pid === own && mode === look.mode)
    return held ? null : `/proc/locks does not show the ${lock} that SQLite says it took`
  } catch (error) {
    if (!isGone(error) && !isForbidden(error)) throw error
    return `/proc/locks cannot be read (${sentenceOf(error)}), so the ${lock} is not proven`
  }
}
