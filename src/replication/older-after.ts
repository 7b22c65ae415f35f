/** What a database is still known to lack when it was restored and goes on from a restore point. Pure. */
import type { CaptureFork } from '../ports/capture-control.ts'
import type { CaptureBinding, OlderDatabase } from '../ports/capture-state.ts'

/** Whoever restored from that timeline, to the point where they parted or beyond it, has decided; any other recovery says nothing of it. */
export function olderAfter(fork: CaptureFork, replica: string, before: CaptureBinding | null): readonly OlderDatabase[] {
  const decided = (one: OlderDatabase): boolean => one.replica === replica && one.timeline === fork.timeline && fork.txid >= one.txid
  return (before?.older ?? []).filter((one) => !decided(one))
}
