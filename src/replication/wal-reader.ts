/** Reads a live log on from where it was read to, up to its last commit, into what waits to be published. */

import { must } from '../assert.ts'
import type { Clock } from '../ports/clock.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { type Frame, scanFrames, startOf, storedChecksum, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset, sameGeneration, walHeaderBytes } from '../wal/header.ts'
import type { Base } from './base-scan.ts'
import { findLogEnd, headerOf, type LogEnd, readFrames, unfollowed, walDamaged } from './wal-tail.ts'

export interface FrameSink {
  /** `page` is valid during the call. */
  add(frame: Frame, page: Uint8Array, after: WalPosition, seenMs: number): void
  /** No more is taken now; the rest waits in the log. Asked between two commits. */
  full(): boolean
}

/** Chosen: a thousand times what it takes SQLite to tell of a commit, and soon enough to be seen before the next disaster. */
const beyondPatienceMs = 1000
/** Chosen: most commits of a bot are a few frames. Where the first two are longer, only the missing -shm itself is seen. */
const beyondFrames = 64

export class WalReader {
  readonly #database: LiveDatabase
  readonly #clock: Clock
  readonly #sink: FrameSink
  #place: WalPosition | null
  /** Of the present generation of the log: page -> frames up to and including the last one with it. */
  readonly #inLog: Map<number, number>
  /** Since when commits stand behind the same place that we are not told of; null: none do. */
  #beyondSinceMs: number | null = null

  /** Everything up to the place of `base` was read. */
  constructor(database: LiveDatabase, clock: Clock, sink: FrameSink, base: Base) {
    this.#database = database
    this.#clock = clock
    this.#sink = sink
    this.#place = base.place
    this.#inLog = framesOf(base)
  }

  get place(): WalPosition | null {
    return this.#place
  }

  /** The file has what the log has of the page, when that many of its frames are in the file. */
  inFile(page: number, backfilled: number): boolean {
    return (this.#inLog.get(page) ?? 0) <= backfilled
  }

  /** The end of the log as it was asked for before reading. @throws DATABASE_BUSY, DATABASE_DAMAGED, WAL_DAMAGED, WAL_UNFOLLOWED */
  readOn(): LogEnd {
    const { locks, bytes } = this.#database
    const end = findLogEnd(locks, bytes)
    if (end.frames === 0) return end
    if (this.#place === null || !sameGeneration(this.#place.header, end.header)) this.#restart(end)
    const seenMs = this.#clock.wallMs()
    const before = must(this.#place, 'a log with frames was begun')
    this.#place = readFrames(
      bytes,
      before,
      end.frames,
      (frame, page, after) => {
        this.#inLog.set(frame.pageNumber, after.frames)
        this.#sink.add(frame, page, after, seenMs)
      },
      () => this.#sink.full(),
    )
    // Whoever is told of the newest commits moves us on, and what stands behind us then is only newer than the end that we asked for.
    if (this.#place.frames > before.frames) this.#beyondSinceMs = null
    if (this.hasReadTo(end)) this.#lookBeyond()
    return end
  }

  /**
   * By rule 3 of the pins the former generation was read to its end before it could be left, and there is one with frames after it. Its salts
   * mostly follow on those of the former one. They do not where generations without any frame were between (each TRUNCATE checkpoint begins
   * one, also on an empty log), nor where a connection that never began a log writes the first frame after that: then the kernel is asked
   * whether the pin stands.
   * @throws WAL_UNFOLLOWED when that is not known: whoever attaches anew compares the database. WAL_DAMAGED
   */
  #restart(end: LogEnd): void {
    const header = headerOf(end)
    const follows = this.#place === null || header.salt1 === (this.#place.header.salt1 + 1) >>> 0
    const unproven = follows ? null : this.#database.locks.pinUnproven()
    if (unproven !== null) throw unfollowed(`the log began anew, and it is not known that only once: ${unproven}`)
    // All of it is verified before any of it is taken.
    readFrames(this.#database.bytes, startOf(header), end.frames, () => {})
    this.#place = startOf(header)
    // The log could only begin anew because the file had all of it.
    this.#inLog.clear()
    this.#beyondSinceMs = null
  }

  /**
   * SQLite tells how far the log is committed by its -shm. A bot that has another one (it was deleted while in use) commits beyond what we
   * are told. Two commits that stand in the log's file and are not told for a second are that. One alone may be of a bot that waits for its
   * disk, stands still or died inside of COMMIT, after it wrote the frames and before it told of them; nobody can commit behind it before.
   */
  #lookBeyond(): void {
    const now = this.#clock.monotonicMs()
    if (this.#commitsBeyond() < 2) this.#beyondSinceMs = null
    else if (this.#beyondSinceMs === null) this.#beyondSinceMs = now
    else if (now - this.#beyondSinceMs > beyondPatienceMs) {
      throw walDamaged('commits stand in the log that SQLite does not show us: another program uses another -shm file')
    }
  }

  #commitsBeyond(): number {
    const place = this.#place
    if (place === null) return 0
    const { bytes } = this.#database
    const head = new Uint8Array(frameHeaderBytes)
    const offset = frameOffset(place.frames, place.header.pageSize)
    if (bytes.readWal(offset, head) < head.length) return 0
    const next = storedChecksum(head)
    if (next.salt1 !== place.header.salt1 || next.salt2 !== place.header.salt2) return 0
    const buffer = new Uint8Array(beyondFrames * (frameHeaderBytes + place.header.pageSize))
    let commits = 0
    scanFrames(place, buffer.subarray(0, bytes.readWal(offset, buffer)), (frame) => {
      if (frame.commitPages > 0) commits++
    })
    return commits
  }

  hasReadTo(end: LogEnd): boolean {
    return end.frames === 0 || (this.#place !== null && sameGeneration(this.#place.header, end.header) && this.#place.frames >= end.frames)
  }
}

/** Where the file has all of the log, what is in the log does not matter. */
function framesOf({ index, pageSize }: Base): Map<number, number> {
  const frames = new Map<number, number>()
  for (const [page, offset] of index?.offsets ?? []) frames.set(page, (offset - walHeaderBytes + pageSize) / (frameHeaderBytes + pageSize))
  return frames
}
