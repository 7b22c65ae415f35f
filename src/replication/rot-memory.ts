/**
 * Damaged pages, remembered beyond the life of a capture, so that no diff takes them from the file: with the checksum of the content that
 * was found there. A page that has another content since was written by somebody, and is as any other again.
 */
import { isDrError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { KeptRot, PageChecksum, Rot } from '../ports/kept-rot.ts'
import type { PageSums } from '../replica/page-sums.ts'
import type { Base } from './base-scan.ts'

/** Chosen: where all of a large file is damaged, a second holds thousands of pages, and writing takes a hundredth of the time at most. */
const pauseMs = 1000
const pauseShare = 100

export class RotMemory {
  readonly #rot: Map<number, PageChecksum>
  #changed = false
  #noWriteBeforeMs = -Infinity

  constructor(known: Rot) {
    this.#rot = new Map(known)
  }

  /** The page is damaged, and that is the checksum of what stands there. */
  found(page: number, { high, low }: PageChecksum): void {
    const known = this.#rot.get(page)
    if (known?.high === high && known.low === low) return
    this.#rot.set(page, { high, low })
    this.#changed = true
  }

  /** The page is what it must be. */
  sound(page: number): void {
    if (this.#rot.size > 0 && this.#rot.delete(page)) this.#changed = true
  }

  get pages(): readonly number[] {
    return [...this.#rot.keys()]
  }

  /** As `keep`, the first at once, and then at most once a second. */
  async keepWhenDue(kept: KeptRot, clock: Clock): Promise<string | null> {
    return clock.monotonicMs() < this.#noWriteBeforeMs ? null : this.keep(kept, clock)
  }

  /**
   * Writes down what is new. Why it could not be, null when all is well.
   * If we die before: a diff of the next attach takes the page from the file as it is there.
   */
  async keep(kept: KeptRot, clock: Clock): Promise<string | null> {
    if (!this.#changed) return null
    const began = clock.monotonicMs()
    this.#changed = false
    try {
      await kept.write(this.#rot)
      return null
    } catch (error) {
      if (!isDrError(error)) throw error
      this.#changed = true
      return error.message
    } finally {
      const now = clock.monotonicMs()
      this.#noWriteBeforeMs = now + Math.max(pauseMs, (now - began) * pauseShare)
    }
  }
}

export interface WithoutRot {
  /** As of the database, but for `left`: what these pages must be. */
  readonly sums: PageSums
  /** Pages that still are as they were found damaged, ascending. */
  readonly left: readonly number[]
}

/** `sums` of the base, `truth` what the replica has. A page that the log has was committed, whatever it looks like. Pure. */
export function withoutRot(sums: PageSums, truth: PageSums, base: Base, rot: Rot): WithoutRot {
  const left = stillRotten(sums, base, rot).filter((page) => page <= truth.pages && !sums.sameAs(page, truth))
  if (left.length === 0) return { sums, left }
  const proven = sums.copy()
  for (const page of left) proven.take(page, truth)
  return { sums: proven, left }
}

/** Pages that still have the content that was found to be damaged, ascending. Pure. */
export function stillRotten(sums: PageSums, { index }: Base, rot: Rot): readonly number[] {
  return [...rot]
    .filter(([page, { high, low }]) => page <= sums.pages && sums.equals(page, high, low) && index?.offsets.has(page) !== true)
    .map(([page]) => page)
    .sort((a, b) => a - b)
}
