/** Starts a capture as a process on our leash, and hears its life signs. */
import type { DrainOutcome } from '../../ports/capture-control.ts'
import type { StartCapture } from '../../ports/capture-process.ts'
import { signsIn } from '../control/watch-pipe.ts'
import type { Environment } from './inherited.ts'
import { startLineProcess } from './line-process.ts'

/** `program`: the path of the entry; `settings` becomes JSON. */
export function captureProcess(program: string, settings: object, environment: Environment): StartCapture {
  return (takeOver, { onSign, onLine }) => {
    const words = [program, '--leash', '--watch', ...(takeOver ? ['--take-over'] : [])]
    const told = { words, told: settings, environment, onSign: (bytes: Buffer) => signsIn(bytes).forEach(onSign) }
    const { child, ended } = startLineProcess(told, onLine)
    return {
      stop: () => void child.kill('SIGTERM'),
      kill: () => void child.kill('SIGKILL'),
      ended: ended.then(({ value, ...end }) => ({ ...end, outcome: value as DrainOutcome | null })),
    }
  }
}
