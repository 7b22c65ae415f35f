/** The capture of one database in a process of its own, as whoever supervises it sees it. That one never opens the database itself. */
import type { DrError } from '../errors.ts'
import type { DrainOutcome } from './capture-control.ts'
import type { CaptureSign } from './capture-watch.ts'

/** Starts it. It ends with us, flushed, however we end. */
export type StartCapture = (takeOver: boolean, heard: CaptureHeard) => CaptureLife

export interface CaptureHeard {
  onSign(sign: CaptureSign): void
  /** One line of its output: an event of the capture. */
  onLine(line: unknown): void
}

export interface CaptureLife {
  /** Tells it to flush and end. Safe to repeat. */
  stop(): void
  /** Ends it at once, also when it is suspended. The kernel gives back its locks. Safe to repeat. */
  kill(): void
  /** Resolves when the process is gone and its last line was given to `onLine`. Never rejects. */
  readonly ended: Promise<CaptureEnd>
}

export interface CaptureEnd {
  /** It came to its own end, as it was told to. */
  readonly finished: boolean
  /** What its last drain said then; null when it was not attached. */
  readonly outcome: DrainOutcome | null
  /** Why it ended by itself; null when it was told to, or killed. */
  readonly error: DrError | null
  /** A sentence: "it ended with status 1", "it was ended by SIGKILL". */
  readonly because: string
}
