/** What a capture process does from its first line of input to its last line of output. */
import { type Leash, runLineProgram } from './adapters/process/line-program.ts'
import { type CaptureSettings, type ReplicateOptions, replicate } from './compose-capture.ts'

export interface CaptureWords extends Pick<ReplicateOptions, 'watch' | 'around' | 'takeOver'> {
  /** The end of it ends the capture, flushed. */
  readonly leash: Leash
}

/** Ends this process. Not a natural end: that would close SQLite's connections, and the last one to close deletes the log behind the bot. */
export function runCapture({ leash, ...options }: CaptureWords): Promise<never> {
  return runLineProgram(leash, (told, signal, onEvent) => replicate(told as CaptureSettings, { ...options, signal, onEvent }))
}
