/** The latch that keeps a stopped bot stopped: durable, survives a reboot, removed only by its holder or a person. */
export interface HaltLatch {
  /** null when no latch stands. */
  read(): Promise<LatchFacts | null>
  /** Durable when resolved. A latch that stands already is kept, whoever holds it; the one that stands is returned. */
  set(facts: LatchFacts): Promise<LatchFacts>
  /** Removes the latch of this holder; 'other' when somebody else's stands (it stays), 'absent' when none does. */
  release(holder: string): Promise<'released' | 'absent' | 'other'>
}

export interface LatchFacts {
  /** A run id, or `person:NAME`. */
  readonly holder: string
  readonly reason: string
  readonly setAtMs: number
}
