/**
 * The capture of one live database: follows its log, publishes each flush, and lets the log stay small.
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
 *    write lock, after everything was read and a new pin was taken.
 * Reading needs no new pin: whatever lies after the standing one is protected by it.
 * If we die at any point: pins vanish, the log may go on unseen; the next attach finds the last published frame, or takes a snapshot.
 */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import type { CapturePosition, DrainOutcome } from '../ports/capture-control.ts'
import type { PinSlot } from '../ports/live-database.ts'
import { fileKey } from '../replica/layout.ts'
import { decodeDatabaseHeader } from '../wal/database-header.ts'
import { startOf, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, sameGeneration } from '../wal/header.ts'
import { type Attached, type AttachOptions, attach, type CaptureWorld } from './attach.ts'
import { findBase, readPage } from './base-scan.ts'
import { applyToSums, encodeFlush, flushFacts, flushPages } from './flush.ts'
import { Pending } from './pending.ts'
import { publishPatiently } from './publisher.ts'
import { findLogEnd, headerOf, type LogEnd, readFrames } from './wal-tail.ts'

/** Chosen: a look every 20 ms while there is news; it costs microseconds, and a reaction to each file event would cost the writer. */
const lookIntervalMs = 20
/** Chosen: without news for half a second, a file event or the slow poll wakes us instead of the cadence. */
const quietAfterMs = 500
/** Chosen: a file event may be missed or come before its commit; a look every 250 ms costs a few microseconds. */
const slowPollMs = 250
/**
 * Chosen: from 16 MiB of log on we checkpoint, because SQLite's own checkpoints end at our pin and so can never finish the log. Below it
 * the pin stays where it is: the bot's own checkpoints then find nothing to do.
 */
const checkpointBytes = 16 * 1024 * 1024
/** Chosen: a checkpoint that a reader of the bot's own cut short is tried again after a second, not at every look. */
const checkpointPauseMs = 1000
/** Chosen: whoever recovers would rather know after 10 s that the store does not take the rest than wait for it. */
const drainPatienceMs = 10_000
/** Chosen: more than this is not held in memory; it waits in the log, which a pin protects. */
const pendingBytes = 32 * 1024 * 1024

export class Capture {
  readonly #world: CaptureWorld
  #attached: Attached
  #slot: PinSlot = 0
  #place: WalPosition | null
  #end: LogEnd | null = null
  #pending = new Pending()
  #flushFrom = 0
  #publishing: Promise<void> | null = null
  #capturedTxid: number
  #publishedTxid: number
  #publishedPages: number
  #lastCommitMs: number
  #lastFlushMs = -Infinity
  #lastNewsMs: number
  #noCheckpointBeforeMs = -Infinity
  /** Frames in the log when the standing pin was taken full, null when it was not. Until the next commit there is nothing to let go of. */
  #fullAt: number | null = 0
  #trouble: string | null = null
  /** The log cannot be read on: what is committed after this is not known. */
  #logDamage: string | null = null
  /** The database file is not what it was; the log can still be read. */
  #fileDamage: string | null = null
  #fatal: unknown = null
  #letGo = false
  #turn: Promise<unknown> = Promise.resolve()
  #wake: () => void = () => {}
  readonly #stop = new AbortController()

  private constructor(world: CaptureWorld, attached: Attached) {
    this.#world = world
    this.#attached = attached
    this.#place = attached.place
    this.#flushFrom = attached.place?.frames ?? 0
    this.#capturedTxid = attached.txid
    this.#publishedTxid = attached.txid
    this.#publishedPages = attached.sums.pages
    this.#lastCommitMs = attached.lastCommitMs
    this.#lastNewsMs = world.clock.monotonicMs()
  }

  /** Resolves when the database is attached and its newest state durable in the replica. @throws as `attach` */
  static async open(world: CaptureWorld, options: AttachOptions): Promise<Capture> {
    return new Capture(world, await attach(world, options))
  }

  /** Follows the database until `stop`, `letGo` or a fault that only a new attach can mend. @throws what ended it */
  async run(): Promise<void> {
    const { clock } = this.#world
    while (!this.#stop.signal.aborted && !this.#letGo) {
      const news = await this.#inTurn(() => this.#tick())
      if (this.#fatal !== null) throw this.#fatal
      const now = clock.monotonicMs()
      if (news) this.#lastNewsMs = now
      if (this.#letGo || this.#stop.signal.aborted) return
      if (now - this.#lastNewsMs < quietAfterMs) await clock.sleep(lookIntervalMs, this.#stop.signal)
      else await this.#quiet()
    }
  }

  /** Everything that is committed now is durable in the replica when this resolves, or the outcome says why not. */
  drain(): Promise<DrainOutcome> {
    return this.#inTurn(async () => {
      if (!this.#letGo && this.#logDamage === null) this.#guard(() => this.#readToEnd())
      await Promise.race([this.#flushAll(), this.#world.clock.sleep(drainPatienceMs)])
      const complete = this.#logDamage === null && this.#trouble === null && this.#publishing === null && this.#pending.empty
      return {
        timeline: this.#attached.timeline,
        txid: this.#publishedTxid,
        lastCommitMs: this.#lastCommitMs,
        complete,
        because: complete
          ? 'everything committed is durable in the replica'
          : (this.#logDamage ?? this.#trouble ?? 'commits are still waiting'),
      }
    })
  }

  /** Drops pins, connections and descriptors. What was captured stays published; nothing more is. Safe to repeat. */
  letGo(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#letGo) return
      this.#letGo = true
      this.#attached.database.close()
      this.#wake()
    })
  }

  /** Flushes, then ends `run`. Connections stay open on purpose: closing the last one would checkpoint and delete the log behind the bot. */
  async stop(): Promise<DrainOutcome> {
    this.#stop.abort()
    this.#wake()
    return this.drain()
  }

  position(): Omit<CapturePosition, 'pid' | 'database' | 'replica'> {
    const { clock } = this.#world
    const waiting = !this.#pending.empty || this.#publishing !== null
    const moved = this.#letGo ? [] : this.#attached.database.moved()
    return {
      state: this.#letGo ? 'let-go' : 'capturing',
      timeline: this.#attached.timeline,
      txid: this.#publishedTxid,
      lastCommitMs: this.#lastCommitMs,
      pendingCommits: this.#pending.commits,
      lagMs: waiting && !this.#pending.empty ? Math.max(0, clock.wallMs() - this.#pending.firstCommitMs) : 0,
      walFrames: this.#end?.frames ?? 0,
      walBytes: (this.#end?.frames ?? 0) * (this.#attached.pageSize + frameHeaderBytes),
      moved,
      trouble: this.#trouble,
      damage: this.#logDamage ?? this.#fileDamage,
      continuous: this.#logDamage === null && !moved.includes('database') && !moved.includes('shm'),
    }
  }

  get attached(): Attached['decision'] {
    return this.#attached.decision
  }

  /** Verbs and ticks never overlap. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch((error: unknown) => sentenceOf(error))
    return turn
  }

  async #quiet(): Promise<void> {
    const { clock } = this.#world
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    const unwatch = this.#letGo ? this.#wake : this.#attached.database.watch(this.#wake)
    // A commit between the last look and the watch would wait for the slow poll, which is what bounds it.
    await clock.sleep(slowPollMs, AbortSignal.any([woken.signal, this.#stop.signal]))
    unwatch()
    this.#wake = () => {}
  }

  /** True when there was something new. */
  async #tick(): Promise<boolean> {
    if (this.#letGo) return false
    const moved = this.#attached.database.moved()
    if (moved.includes('database') || moved.includes('shm')) {
      // What was committed before belongs to this history, and its files are still open.
      if (this.#logDamage === null) this.#guard(() => this.#readToEnd())
      await this.#flushAll()
      this.#fatal ??= databaseMoved(this.#attached.database.path, moved)
      return false
    }
    if (moved.includes('wal')) this.#fileDamaged(`the log of ${this.#attached.database.path} was deleted while it was in use`)
    this.#lookAtHeader()
    const before = this.#place
    if (this.#logDamage === null) this.#guard(() => this.#look())
    if (this.#pending.sizeBytes >= pendingBytes) await this.#flushAll()
    this.#flushIfDue()
    return this.#place !== before || !this.#pending.empty
  }

  /** What is wrong with the database becomes part of the position; the standing pin stays, and so does what it protects. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (isDrError(error, 'DATABASE_BUSY')) return
      if (isDrError(error, 'DATABASE_DAMAGED')) this.#fileDamaged(error.message)
      else if (isDrError(error, 'WAL_DAMAGED')) {
        this.#logDamage = error.message
        this.#world.onEvent({ type: 'warning', because: error.message })
      } else throw error
    }
  }

  /** The first bytes of the file, which SQLite itself does not look at while the log has a newer first page. */
  #lookAtHeader(): void {
    const first = new Uint8Array(100)
    this.#attached.database.bytes.readDatabase(0, first)
    if (decodeDatabaseHeader(first)?.pageSize === this.#attached.pageSize) return
    this.#fileDamaged(`the first bytes of ${this.#attached.database.path} are not the header of this database any more`)
  }

  /** From now on nothing of ours writes to the file: it is evidence. */
  #fileDamaged(because: string): void {
    if (this.#fileDamage !== null) return
    this.#fileDamage = because
    this.#world.onEvent({ type: 'warning', because })
  }

  /** Reads what is new, and lets the log become small again when it has grown. */
  #look(): void {
    const { locks, bytes } = this.#attached.database
    const end = this.#readToEnd()
    this.#end = end
    if (end.frames === this.#fullAt || this.#fileDamage !== null || !this.#hasReadTo(end)) return
    if (this.#fullAt !== null) this.#leaveFullPin()
    const logBytes = end.frames * (this.#attached.pageSize + frameHeaderBytes)
    if (logBytes < checkpointBytes || this.#world.clock.monotonicMs() < this.#noCheckpointBeforeMs) return
    this.#checkpoint()
    this.#end = findLogEnd(locks, bytes)
  }

  #hasReadTo(end: LogEnd): boolean {
    return end.frames === 0 || (this.#place !== null && sameGeneration(this.#place.header, end.header) && this.#place.frames >= end.frames)
  }

  /**
   * A full pin is dear to the bot: behind it, each of its commits sorts the whole log for a checkpoint that then cannot begin. (At 4,000
   * frames half of the bot's speed went there.) Behind one on a frame that the file has, it sees at once that there is nothing to do.
   */
  #leaveFullPin(): void {
    if (!this.#movePin()) return
    this.#fullAt = null
    this.#attached.database.locks.checkpoint()
  }

  /** The only place that releases a pin: after the next one is taken, and everything up to it is read. False: the old one stands. */
  #movePin(): boolean {
    const { locks } = this.#attached.database
    const next: PinSlot = this.#slot === 0 ? 1 : 0
    locks.pin(next)
    let read = false
    try {
      read = this.#hasReadTo(this.#readToEnd())
    } finally {
      // Not everything was read: the old pin goes on protecting the rest.
      if (!read) locks.unpin(next)
    }
    if (!read) return false
    locks.unpin(this.#slot)
    this.#slot = next
    return true
  }

  /** The bulk goes into the file while writers write; for the rest, which that leaves small, they wait. */
  #checkpoint(): void {
    const { locks } = this.#attached.database
    this.#movePin()
    // Nothing: another checkpoint is at work, which the bot's own commit began; the next look finds less to do.
    if (locks.checkpoint().frames === 0 || !locks.lockWriters()) return
    const began = this.#world.clock.monotonicMs()
    let frames = 0
    try {
      frames = this.#finishLog(began)
    } finally {
      locks.unlockWriters()
    }
    if (frames > 0) this.#world.onEvent({ type: 'checkpointed', frames, heldMs: this.#world.clock.monotonicMs() - began })
  }

  /** Called with the write lock held. How many frames the file has now; 0 when another checkpoint is at work. */
  #finishLog(now: number): number {
    const { locks } = this.#attached.database
    this.#movePin()
    const { frames, backfilled } = locks.checkpoint()
    if (backfilled < frames) this.#noCheckpointBeforeMs = now + checkpointPauseMs
    // The log is in the file to its end: a pin taken here is full, and the next writer begins the log anew.
    else if (frames > 0 && this.#movePin()) this.#fullAt = frames
    return backfilled
  }

  /** Reads committed frames into `pending`, until the end or until memory is full. */
  #readToEnd(): LogEnd {
    const { locks, bytes } = this.#attached.database
    const end = findLogEnd(locks, bytes)
    if (end.frames === 0) return end
    if (this.#place === null || !sameGeneration(this.#place.header, end.header)) {
      // By rule 3 the former generation was read to its end before it could be left.
      this.#place = startOf(headerOf(end))
      this.#flushFrom = 0
    }
    const seenMs = this.#world.clock.wallMs()
    this.#place = readFrames(
      bytes,
      this.#place,
      end.frames,
      (frame, page, after) => this.#pending.add(frame, page, after, seenMs),
      () => this.#pending.sizeBytes >= pendingBytes,
    )
    return end
  }

  #flushIfDue(): void {
    const now = this.#world.clock.monotonicMs()
    if (this.#pending.empty || this.#publishing !== null || now - this.#lastFlushMs < this.#world.flushIntervalMs) return
    this.#lastFlushMs = now
    void this.#startFlush()
  }

  /** Only ever one at a time, so that txids follow each other. */
  #startFlush(): Promise<void> {
    this.#publishing ??= this.#flush()
      .catch((error: unknown) => {
        this.#fatal ??= error
      })
      .finally(() => {
        this.#publishing = null
      })
    return this.#publishing
  }

  async #flushAll(): Promise<void> {
    if (this.#publishing !== null) await this.#publishing
    if (!this.#pending.empty && this.#fatal === null) await this.#startFlush()
  }

  async #flush(): Promise<void> {
    const pending = this.#pending
    const { sums, pageSize, timeline } = this.#attached
    const txid = this.#capturedTxid + 1
    const pages = flushPages(pending, this.#publishedPages, pageSize, (number) => this.#pageNow(number))
    applyToSums(sums, pages, pending.databasePages)
    const facts = flushFacts(pending, { pageSize, txid, rolling: sums.rolling, fromFrame: this.#flushFrom })
    const body = encodeFlush(facts, pages)
    this.#pending = new Pending()
    this.#capturedTxid = txid
    this.#publishedPages = pending.databasePages
    this.#flushFrom = pending.end?.frames ?? 0
    const key = fileKey(this.#world.store.layout, timeline, 0, txid, txid)
    try {
      const object = { key, body, timestampMs: pending.lastCommitMs }
      await publishPatiently(this.#world.store, this.#world.clock, object, this.#stop.signal, (error) => this.#troubled(error.message))
      this.#trouble = null
      this.#publishedTxid = txid
      this.#lastCommitMs = pending.lastCommitMs
      const lagMs = this.#world.clock.wallMs() - pending.firstCommitMs
      this.#world.onEvent({ type: 'flushed', timeline, txid, commits: pending.commits, pages: pages.length, lagMs })
    } catch (error) {
      this.#troubled(sentenceOf(error))
      this.#fatal ??= error
    }
  }

  #troubled(because: string): void {
    if (this.#trouble !== because) this.#world.onEvent({ type: 'warning', because })
    this.#trouble = because
  }

  /** A page that is not in the log since the last flush, as SQLite would read it now. */
  #pageNow(number: number): Uint8Array {
    const { bytes, locks } = this.#attached.database
    for (;;) {
      const base = findBase(bytes, findLogEnd(locks, bytes), this.#attached.pageSize, bytes.databaseBytes())
      if (base !== null) return readPage(bytes, base, number)
    }
  }
}

function databaseMoved(path: string, moved: readonly string[]): DrError {
  return new DrError('DATABASE_MOVED', {
    what: `the ${moved.join(' and the ')} file of ${path} is not the one that was opened`,
    untouched: 'Nothing more is published from it; what was published stays.',
    next: 'The capture looks at the path again by itself; if it refuses then, it says why.',
  })
}
