/** The latch that keeps a stopped bot stopped: durable, survives a reboot, removed only by its holder or a person. */
export interface HaltLatch {
  /** null when no latch stands. One that cannot be read stands: its holder is 'unknown'. */
  read(): Promise<LatchFacts | null>
  /**
   * Durable when resolved; the one that stands then is returned. A latch that stands already is kept, whoever holds it, unless a
   * `person:NAME` sets it: theirs takes the place of one that no person holds, so that no run removes it any more.
   */
  set(facts: LatchFacts): Promise<SetLatch>
  /**
   * Removes the latch of this holder, or for a `person:NAME` the one that they have `seen`, whoever holds it; 'other' when another one
   * stands (it stays), 'absent' when none does. If we die here: the latch stands or not. Safe to repeat: yes, because of 'absent'.
   */
  release(holder: string, seen: LatchFacts): Promise<'released' | 'absent' | 'other'>
}

export interface SetLatch extends LatchFacts {
  /** Who does not see it, and why. Absent: whoever asks sees it. */
  readonly gap?: string
}

export interface LatchFacts {
  /** A run id, or `person:NAME`. */
  readonly holder: string
  readonly reason: string
  readonly setAtMs: number
}
