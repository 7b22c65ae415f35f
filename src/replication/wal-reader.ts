/** Reads a live log on from where it was read to, up to its last commit, into what waits to be published. */
import type { Clock } from '../ports/clock.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { type Frame, startOf, type WalPosition } from '../wal/frames.ts'
import { sameGeneration } from '../wal/header.ts'
import { findLogEnd, headerOf, type LogEnd, readFrames } from './wal-tail.ts'

export interface FrameSink {
  /** `page` is valid during the call. */
  add(frame: Frame, page: Uint8Array, after: WalPosition, seenMs: number): void
  /** No more is taken now; the rest waits in the log. Asked between two commits. */
  full(): boolean
  /** What comes next is from the beginning of a new generation of the log. */
  restarted(): void
}

export class WalReader {
  readonly #database: LiveDatabase
  readonly #clock: Clock
  readonly #sink: FrameSink
  #place: WalPosition | null

  /** `place`: everything up to here was read; null: the log had no frames. */
  constructor(database: LiveDatabase, clock: Clock, sink: FrameSink, place: WalPosition | null) {
    this.#database = database
    this.#clock = clock
    this.#sink = sink
    this.#place = place
  }

  get place(): WalPosition | null {
    return this.#place
  }

  /** The end of the log as it was asked for before reading. @throws DATABASE_BUSY, DATABASE_DAMAGED, WAL_DAMAGED */
  readOn(): LogEnd {
    const { locks, bytes } = this.#database
    const end = findLogEnd(locks, bytes)
    if (end.frames === 0) return end
    if (this.#place === null || !sameGeneration(this.#place.header, end.header)) {
      // By rule 3 of the pins the former generation was read to its end before it could be left.
      this.#place = startOf(headerOf(end))
      this.#sink.restarted()
    }
    const seenMs = this.#clock.wallMs()
    this.#place = readFrames(
      bytes,
      this.#place,
      end.frames,
      (frame, page, after) => this.#sink.add(frame, page, after, seenMs),
      () => this.#sink.full(),
    )
    return end
  }

  hasReadTo(end: LogEnd): boolean {
    return end.frames === 0 || (this.#place !== null && sameGeneration(this.#place.header, end.header) && this.#place.frames >= end.frames)
  }
}
