/** Whether the log of a database that we gave up fits again. Only whoever has the database open can tell, so it is opened for an instant. */
import { isDrError } from '../errors.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { frameHeaderBytes } from '../wal/header.ts'
import { checkpointBeside } from './checkpoint-beside.ts'
import { type CaptureLimits, excessOf } from './limits.ts'
import { findLogEnd } from './wal-tail.ts'

/** Why it does not, or why that cannot be told; null: it fits. What it holds is put into the file on the way, as far as the bot's own readers allow. */
export function whyLogDoesNotFit(openDatabase: () => LiveDatabase, limits: CaptureLimits): string | null {
  try {
    const database = openDatabase()
    try {
      database.locks.pin(0)
      checkpointBeside(database.locks)
      const { frames, backfilled, header } = findLogEnd(database.locks, database.bytes)
      const logBytes = frames * (frameHeaderBytes + (header?.pageSize ?? 0))
      return excessOf({ logBytes, logUnfinished: backfilled < frames, disk: null }, limits)
    } finally {
      database.close()
    }
  } catch (error) {
    if (isDrError(error)) return error.message
    throw error
  }
}
