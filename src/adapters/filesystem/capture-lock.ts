/** The lock that whoever captures a database holds: the capture process, or a recovery that works from the files at rest. */
import { join } from 'node:path'

export function captureLockPath(captureFolder: string): string {
  return join(captureFolder, 'capture.lock')
}
