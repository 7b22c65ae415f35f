/** Whom a capture tells that it goes on, and when it keeps writers waiting: a process that ends it where the bot would suffer. */
export interface CaptureWatch {
  /** Heard also when the caller is suspended right after it. Never throws: where nobody listens any more, nothing is told. */
  tell(sign: CaptureSign): void
}

/**
 * - `beat`: its thread turns.
 * - `lock-wanted`: told before the write lock is asked for, so that there is no moment of it that nobody knows of.
 * - `lock-released`: also when the lock was not had.
 * - `work-begun`, `work-ended`: around one call that may take long and for which no writer waits; there is no beat in between.
 */
export type CaptureSign = 'beat' | 'lock-wanted' | 'lock-released' | 'work-begun' | 'work-ended'
