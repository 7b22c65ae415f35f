/**
 * A checkpoint of ours beside writers. SQLite's WAL-reset bug takes a checkpoint, a commit and a log that begins anew meanwhile, and a bot whose
 * own SQLite has it is not to meet it because of us. So a pin of ours must stand, and the file must lack frames of the log. Then the log cannot
 * begin anew: either the pin stands on frames that the file lacked when it was taken, or it stands on a whole file, and nobody can put into it
 * what the log has since. Where the file lacks none there is nothing to do.
 */
import type { DatabaseLocks, WalEnd } from '../ports/live-database.ts'

/** How far the file has the log afterwards; null: another checkpoint is at work. @throws DISK_FULL, and as SQLite */
export function checkpointBeside(locks: Pick<DatabaseLocks, 'walEnd' | 'checkpoint'>): WalEnd | null {
  const end = locks.walEnd()
  return end.backfilled < end.frames ? locks.checkpoint() : end
}
