/** Whether a database is still known to be older than its replica when it was restored and goes on from a restore point. Pure. */
import type { CaptureFork } from '../ports/capture-control.ts'
import type { CaptureBinding, OlderDatabase } from '../ports/capture-state.ts'

/** Whoever restored from that timeline, to the point where they parted or beyond it, has decided; any other recovery says nothing of it. */
export function olderAfter(fork: CaptureFork, replica: string, before: CaptureBinding | null): OlderDatabase | null {
  if (before === null || before.older === null || before.replica !== replica) return null
  const decided = fork.timeline === before.older.timeline && fork.txid >= before.older.txid
  return decided ? null : before.older
}
