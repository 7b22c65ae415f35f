/** A process of ours that must not outlive the one that it works for, however that one dies. */
import { isGone } from '../proc/process-table.ts'

/** Chosen: half a second of trading on a database that nobody looks at any more harms nobody. */
const lookEveryMs = 500

/** Calls `onGone` once, soon after the process `pid` has ended. Does not keep this process alive by itself. */
export function holdLeash(pid: number, onGone: () => void): void {
  const timer = setInterval(() => {
    if (lives(pid)) return
    clearInterval(timer)
    onGone()
  }, lookEveryMs)
  timer.unref()
}

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Not permitted: it is there, and somebody else's.
    return !isGone(error)
  }
}
