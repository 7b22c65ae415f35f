/** How far the capture of the database has come: what shows a bot that opens its database only for an instant each time. */
import { isDrError } from '../errors.ts'
import type { DrainOutcome } from '../ports/capture-control.ts'
import type { CaptureAccess } from './runbook.ts'

/** null: no capture runs. A sentence: one does, and why it cannot say. */
export async function drainedPosition(capture: CaptureAccess): Promise<DrainOutcome | string | null> {
  const { pid, control } = await capture.reach()
  if (pid === null) return null
  try {
    const { state, trouble } = await control.position()
    // A capture whose replica is away would be waited for, and a person who stops trading is not made to wait.
    return state === 'capturing' && trouble === null ? await control.drain() : (trouble ?? `the capture is ${state}`)
  } catch (error) {
    // What cannot be watched is stopped all the same.
    if (isDrError(error, 'CAPTURE_SILENT', 'CAPTURE_STUCK', 'STORE_UNAVAILABLE', 'IO_FAILED', 'DISK_FULL')) return error.message
    throw error
  }
}
