/**
 * The read transactions that keep SQLite from losing what was not read, moved so that the log can become small again.
 *
 * Why no committed frame can be missed:
 * 1. A pin (a read transaction) stands at all times. The next one is taken before the former is released, and in between everything up
 *    to the end of the log, which is at or after the new pin, is read.
 * 2. A pin that is taken while the database file lacks frames of the log stands on the last one. While it stands, SQLite cannot begin the
 *    log anew, also when the file has all of it by then.
 * 3. A pin that is taken when the file has all of the log ("full") lets the log begin anew, once; but nobody can write frames of the new
 *    generation into the file while it stands, so that one cannot be followed by another before it was read.
 * 4. What is read counts up to the last commit only, and every frame is verified by salts and cumulative checksum.
 * 5. Our own checkpoints are passive: they stop at the pins, as anybody's do. The one that is to finish the log runs while we hold the
 *    write lock, after everything was read and a new pin was taken; beside writers we run one only where the log cannot begin anew.
 * Reading needs no new pin: whatever lies after the standing one is protected by it.
 * If we die at any point: pins vanish, the log may go on unseen; the next attach finds where it goes on, or decides as resume.ts says.
 */
import type { Clock } from '../ports/clock.ts'
import type { DatabaseLocks, PinSlot, WalEnd } from '../ports/live-database.ts'
import { MiB } from '../units.ts'
import { frameHeaderBytes } from '../wal/header.ts'
import { checkpointBeside } from './checkpoint-beside.ts'
import type { WalReader } from './wal-reader.ts'
import type { LogEnd } from './wal-tail.ts'

/**
 * Chosen: from 32 MiB of log on we checkpoint, because SQLite's own checkpoints end at our pin and so can never finish the log. Below it
 * the pin stays where it is: the bot's own checkpoints then find nothing to do. A bot at full speed kept 0.60 of it with 4 MiB, 0.82 with 16 and
 * about 0.9 with 32 (npm run bench -- saturation).
 */
export const checkpointBytes = 32 * MiB
/** Chosen: so little is in the file, and durable, within a few milliseconds of the write lock. */
const smallRestBytes = 2 * MiB
/** Chosen: at full speed the file is made durable twice until so little is left; then, what is left is finished all the same. */
const mostPasses = 3
/** Chosen: a checkpoint of 32 MiB takes 30 to 60 ms on a disk that is not busy. */
const longestWaitMs = 250
/** Chosen: a checkpoint that a reader of the bot's own or a full disk cut short is tried again after a second, not at every look. */
const checkpointPauseMs = 1000
/**
 * Chosen: what cuts the first ones short is mostly the bot's next commit, which waits for our write lock with a read mark that is one commit old: it
 * is gone at the next look. (In a second's pause after one of them the log of a bot at full speed grew by 150 to 500 MiB.)
 */
const mostCutShort = 3

export interface Checkpointed {
  /** Frames that the file has now. */
  readonly frames: number
  /** How long writers waited, ms. */
  readonly heldMs: number
}

export class Pins {
  readonly #locks: DatabaseLocks
  readonly #clock: Clock
  readonly #reader: Pick<WalReader, 'hasReadTo' | 'readOn'>
  readonly #frameBytes: number
  #slot: PinSlot = 0
  /** Frames in the log when the standing pin was taken full, null when it was not. Until the next commit there is nothing to let go of. */
  #fullAt: number | null = 0
  #noCheckpointBeforeMs = -Infinity
  /** Checkpoints under the lock, one after the other, that did not finish the log. */
  #cutShort = 0
  /** Since when another checkpoint is at work that ours waits for; null: none is. */
  #waitsSinceMs: number | null = null

  /** The pin in slot 0 stands already, and everything from there on is for `reader` to read. */
  constructor(locks: DatabaseLocks, clock: Clock, reader: Pick<WalReader, 'hasReadTo' | 'readOn'>, pageSize: number) {
    this.#locks = locks
    this.#clock = clock
    this.#reader = reader
    this.#frameBytes = frameHeaderBytes + pageSize
  }

  /** What comes next comes within milliseconds: the first commit behind a full pin (see leaveFull), or the end of another checkpoint. */
  get soon(): boolean {
    return this.#fullAt !== null || this.#waitsSinceMs !== null
  }

  /**
   * Another checkpoint is at work, mostly of the bot's own next commit after our pin has moved. A bot that checkpoints writes nothing, and
   * whoever reads meanwhile what it wrote before comes too late: the bot is ahead again, and meets the next pin that moves. (The log grew to
   * 150 to 280 MiB so.) @throws as tend
   */
  waits(): boolean {
    if (this.#waitsSinceMs === null) return false
    const late = this.#clock.monotonicMs() - this.#waitsSinceMs > longestWaitMs
    if (!late && checkpointBeside(this.#locks) === null) return true
    this.#waitsSinceMs = null
    return false
  }

  /**
   * Lets the log become small again when it has grown. `end`: as it was just read to. null: nothing was checkpointed under the lock.
   * @throws DISK_FULL and what else SQLite says of a checkpoint; the pins stand as they must, and it may be tried again
   */
  tend(end: LogEnd): Checkpointed | null {
    if (end.frames === this.#fullAt || !this.#reader.hasReadTo(end)) return null
    if (this.#fullAt !== null) this.#leaveFull()
    if (end.frames * this.#frameBytes < checkpointBytes || this.#clock.monotonicMs() < this.#noCheckpointBeforeMs) return null
    try {
      return this.#checkpoint()
    } catch (error) {
      this.#noCheckpointBeforeMs = this.#clock.monotonicMs() + checkpointPauseMs
      throw error
    }
  }

  /**
   * A full pin is dear to the bot: behind it, each of its commits sorts the whole log for a checkpoint that then cannot begin. (At 4,000
   * frames half of the bot's speed went there.) Behind one on a frame that the file has, it sees at once that there is nothing to do.
   */
  #leaveFull(): void {
    if (!this.#move()) return
    this.#fullAt = null
    checkpointBeside(this.#locks)
  }

  /** The only place that releases a pin: after the next one is taken, and everything up to it is read. False: the old one stands. */
  #move(): boolean {
    const next: PinSlot = this.#slot === 0 ? 1 : 0
    this.#locks.pin(next)
    let read = false
    try {
      read = this.#reader.hasReadTo(this.#reader.readOn())
    } finally {
      // Not everything was read: the old pin goes on protecting the rest.
      if (!read) this.#locks.unpin(next)
    }
    if (!read) return false
    this.#locks.unpin(this.#slot)
    this.#slot = next
    return true
  }

  /** The bulk goes into the file while writers write; for the rest, which that leaves small, they wait. */
  #checkpoint(): Checkpointed | null {
    const bulk = this.#bulk()
    if (bulk === null) {
      this.#waitsSinceMs = this.#clock.monotonicMs()
      return null
    }
    if (!this.#locks.lockWriters()) {
      // Without the lock the log can begin anew only in a pause of the writers, when the file has all of it already.
      if (this.#locks.unproven() !== null && bulk.backfilled === bulk.frames && this.#move()) this.#fullAt = bulk.frames
      return null
    }
    const began = this.#clock.monotonicMs()
    let frames = 0
    try {
      frames = this.#finishLog(began)
    } finally {
      this.#locks.unlockWriters()
    }
    return frames === 0 ? null : { frames, heldMs: this.#clock.monotonicMs() - began }
  }

  /** null: another checkpoint is at work. */
  #bulk(): WalEnd | null {
    for (let pass = 1; ; pass++) {
      this.#move()
      const end = checkpointBeside(this.#locks)
      if (end === null || pass === mostPasses || (end.frames - end.backfilled) * this.#frameBytes <= smallRestBytes) return end
    }
  }

  /** Called with the write lock held. How many frames the file has now; 0 when another checkpoint is at work. */
  #finishLog(now: number): number {
    this.#move()
    const end = this.#locks.checkpoint()
    if (end === null) return 0
    const { frames, backfilled } = end
    this.#cutShort = backfilled < frames ? this.#cutShort + 1 : 0
    if (this.#cutShort >= mostCutShort) this.#noCheckpointBeforeMs = now + checkpointPauseMs
    // The log is in the file to its end: a pin taken here is full, and the next writer begins the log anew.
    if (this.#cutShort === 0 && frames > 0 && this.#move()) this.#fullAt = frames
    return backfilled
  }
}
