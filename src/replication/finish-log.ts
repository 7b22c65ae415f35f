/**
 * The base of a database whose log holds commits that it cannot prove: the file is made to have all of it, and is read instead.
 * Order that matters, with the pin of slot 0 standing:
 * 1. Under the write lock nobody commits. A pin at the end of the log is taken before the former is released, and lets a checkpoint have all.
 * 2. A full pin is taken before that one is released, and the place in the log is read: rule 3 of the pins holds from here on.
 * 3. What was published is looked for in the log, which is then emptied at once. A file that is newer than what SQLite's recovery believes of the log is damaged by it: pages that the log has
 *    as they were are taken from there, the others from the file (tried with 3.40.1: "malformed"). Any checkpoint brings that about, the bot's
 *    own too; so nothing is written to the file before the lock is had, where that can be helped.
 * If we die at any point: what was begun is as any checkpoint, and the next attach meets the same log, or finds the file whole. If the whole
 * machine dies between 1 and 3, the file may be damaged; the replica is not. Safe to repeat: yes.
 */
import { type DrError, isDrError } from '../errors.ts'
import type { DatabaseLocks, LiveDatabase } from '../ports/live-database.ts'
import { MiB } from '../units.ts'
import { frameHeaderBytes } from '../wal/header.ts'
import { type Base, baseNow } from './base-scan.ts'
import type { CaptureEvent } from './capture-event.ts'
import { checkpointBeside } from './checkpoint-beside.ts'
import { unfollowed } from './wal-tail.ts'

/** Chosen: so much is in the file well within the second after which whoever holds the write lock is killed. */
const mostUnderLockBytes = 16 * MiB

/**
 * What `look` says of `baseNow`, or of the same where such a log was met, which is told then.
 * @throws WAL_UNFOLLOWED when a lock or a reader is in the way: to be tried again; and as `baseNow`, DISK_FULL
 */
export function lookByFinishing<T>(
  database: LiveDatabase,
  pageSizeOfFile: number,
  onEvent: (event: CaptureEvent) => void,
  look: (base: Base) => T,
): T {
  let met: DrError
  try {
    return look(baseNow(database, pageSizeOfFile))
  } catch (error) {
    if (!isDrError(error, 'WAL_UNFOLLOWED')) throw error
    met = error
  }
  const seen = look(finishLog(database, pageSizeOfFile, met))
  const emptied = database.locks.truncate() ? '' : ', which could not be emptied yet'
  onEvent({ type: 'warning', because: `the file has all of the log now${emptied}: ${met.message}` })
  return seen
}

function finishLog(database: LiveDatabase, pageSizeOfFile: number, met: DrError): Base {
  const { locks } = database
  const { frames, backfilled } = locks.walEnd()
  if ((frames - backfilled) * (frameHeaderBytes + pageSizeOfFile) > mostUnderLockBytes) checkpointBeside(locks)
  if (!locks.lockWriters()) throw waitsFor(locks.unproven() ?? 'a writer to give its lock away', met)
  try {
    locks.pin(1)
    locks.unpin(0)
    finish(locks, met)
    locks.pin(0)
    locks.unpin(1)
    return baseNow(database, pageSizeOfFile)
  } finally {
    locks.unlockWriters()
  }
}

function finish(locks: DatabaseLocks, met: DrError): void {
  const end = locks.checkpoint()
  if (end === null) throw waitsFor('another checkpoint to end', met)
  if (end.backfilled < end.frames) throw waitsFor('a reader that stands before their end', met)
}

function waitsFor(what: string, met: DrError): DrError {
  return unfollowed(`${met.message}; to put them into the file, the capture waits for ${what}`)
}
