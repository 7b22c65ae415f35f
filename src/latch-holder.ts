/** Who holds a halt latch, by the name that it carries: a run, a person, or nobody who is known. Pure. */

/** Holds a latch that cannot be read as ours: only a person releases it. */
export const unknownHolder = 'unknown'

/** `person:NAME`. */
export const isPerson = (holder: string): boolean => /^person:./.test(holder)
