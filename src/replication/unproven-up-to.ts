/** Pages that were published unproven, as far as a history that is gone on from has them. Pure. */
import type { CaptureBinding, UnprovenPages } from '../ports/capture-state.ts'

/** null: none are known in the restore points up to `txid`. */
export function unprovenUpTo(txid: number, binding: CaptureBinding | null): UnprovenPages | null {
  const unproven = binding?.unproven ?? null
  return unproven !== null && unproven.txid <= txid ? unproven : null
}
