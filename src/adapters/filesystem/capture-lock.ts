/** The lock that whoever captures a database holds: the capture process, or a recovery that works from the files at rest. */
import { join } from 'node:path'
import { nodeClock } from '../node/clock.ts'
import { type LockPurpose, type ProcessLock, takeProcessLock } from './process-lock.ts'

export function captureLockPath(captureFolder: string): string {
  return join(captureFolder, 'capture.lock')
}

/** Chosen: half of the 0.1 s within which a capture listens that has the lock. */
const lookEveryMs = 50

/**
 * The lock, as soon as nobody else holds it; null when that took longer than `patienceMs`, or when `inVain` said that it would.
 * @throws as takeProcessLock
 */
export async function waitForLock(
  path: string,
  patienceMs: number,
  inVain: () => Promise<boolean> = async () => false,
  purpose: LockPurpose = 'recovery',
): Promise<ProcessLock | null> {
  for (const deadline = nodeClock.monotonicMs() + patienceMs; ; ) {
    const lock = takeProcessLock(path, purpose)
    if (lock !== null || (await inVain()) || nodeClock.monotonicMs() > deadline) return lock
    await nodeClock.sleep(lookEveryMs)
  }
}
