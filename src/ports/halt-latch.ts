/** The latch that keeps a stopped bot stopped: durable, survives a reboot, removed only by its holder or a person. */
export interface HaltLatch {
  /** null when no latch stands. One that cannot be read stands: its holder is 'unknown'. */
  read(): Promise<LatchFacts | null>
  /** Durable when resolved. A latch that stands already is kept, whoever holds it; the one that stands is returned. */
  set(facts: LatchFacts): Promise<LatchFacts>
  /**
   * Removes the latch of this holder, or any latch for a `person:NAME`; 'other' when somebody else's stands (it stays), 'absent' when
   * none does. If we die here: the latch stands or not. Safe to repeat: yes, because of 'absent'.
   */
  release(holder: string): Promise<'released' | 'absent' | 'other'>
}

export interface LatchFacts {
  /** A run id, or `person:NAME`. */
  readonly holder: string
  readonly reason: string
  readonly setAtMs: number
}
