/**
 * The capture of one live database: follows its log, publishes each flush, and lets the log stay small. Why nothing can be missed stands in
 * pins.ts. If we die at any point: the next attach finds where the log goes on after the newest restore point, or decides as resume.ts says.
 */
import { DrError, isDrError } from '../errors.ts'
import type { CapturePosition, DrainOutcome, ScrubOutcome } from '../ports/capture-control.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { frameHeaderBytes } from '../wal/header.ts'
import type { LeftLog } from './ancestor.ts'
import { type AttachOptions, attach } from './attach.ts'
import { readDatabaseHeader, readPageNow } from './base-scan.ts'
import { nextLookMs } from './cadence.ts'
import type { Attached, CaptureWorld } from './capture-world.ts'
import { checkpointBeside } from './checkpoint-beside.ts'
import { DesertedLog } from './deserted-log.ts'
import { FlushQueue } from './flush-queue.ts'
import { type InTurn, inTurn } from './in-turn.ts'
import { News } from './news.ts'
import { committedPastLog } from './past-the-log.ts'
import { Pins } from './pins.ts'
import { RotMemory } from './rot-memory.ts'
import { Scrub, type ScrubWorld } from './scrub.ts'
import { WalReader } from './wal-reader.ts'
import { findLogEnd, type LogEnd } from './wal-tail.ts'

/** Chosen: whoever recovers would rather know after 10 s that the store does not take the rest than wait for it. */
const drainPatienceMs = 10_000
/** Chosen: a busy lock of SQLite is given back within a few milliseconds. */
const retryReadMs = 5

export class Capture {
  readonly #world: CaptureWorld
  readonly #attached: Attached
  readonly #queue: FlushQueue
  readonly #reader: WalReader
  readonly #pins: Pins
  /** What every page of the file must be, and which must be it now. */
  readonly #pages: Omit<ScrubWorld, 'rot' | 'onDamage'>
  readonly #scrub: Scrub
  readonly #rot: RotMemory
  readonly #deserted: DesertedLog
  /** Damaged pages that are not told yet: they are remembered first. */
  #found: readonly number[] = []
  /** Why the damaged pages could not be remembered the last time. */
  #unkeptRot: string | null = null
  /** Verbs and ticks never overlap. */
  readonly #inTurn: InTurn = inTurn()
  readonly #stop = new AbortController()
  #end: LogEnd | null = null
  readonly #news: News
  /** The log cannot be read on: what is committed after this is not known. */
  #logDamage: string | null = null
  /** The database file is not what it was; the log can still be read. */
  #fileDamage: string | null = null
  /** The database, its log or its -shm is not where it was opened. */
  #takenAway: string | null = null
  /** Why the log cannot become small again, null when it can; it is read on all the same. */
  #checkpointTrouble: string | null = null
  /** What only a new attach can mend. */
  #moved: DrError | null = null
  #letGo = false

  private constructor(world: CaptureWorld, attached: Attached) {
    const { database, base } = attached
    const { pageSize } = base
    const readPage = (page: number): Uint8Array => readPageNow(database, pageSize, page)
    this.#world = world
    this.#attached = attached
    this.#queue = new FlushQueue({ ...world, readPage, signal: this.#stop.signal }, { ...attached, ...base })
    this.#reader = new WalReader(database, world.clock, this.#queue, base)
    this.#pins = new Pins(database.locks, world.clock, this.#reader, pageSize)
    this.#news = new News(world.clock, database, this.#stop.signal)
    this.#rot = new RotMemory(attached.rot)
    this.#deserted = new DesertedLog(world, database)
    const settled = (page: number): boolean => this.#reader.inFile(page, this.#end?.backfilled ?? 0) && !this.#queue.touches(page)
    this.#pages = { clock: world.clock, disk: database.disk, pageSize, sums: attached.sums, settled }
    this.#scrub = new Scrub(
      {
        ...this.#pages,
        rot: this.#rot,
        onDamage: (pages) => {
          this.#found = [...this.#found, ...pages]
        },
      },
      world.scrubTurnMs,
    )
  }

  /** Resolves when the database is attached and its newest state durable in the replica. @throws as `attach` */
  static async open(world: CaptureWorld, options: AttachOptions): Promise<Capture> {
    return new Capture(world, await attach(world, options))
  }

  /** Follows the database until `stop`, `letGo` or a fault that only a new attach can mend. @throws what ended it */
  async run(): Promise<void> {
    try {
      await this.#follow()
    } finally {
      this.#news.end()
    }
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted && !this.#letGo) {
      const news = await this.#inTurn(() => this.#tick())
      if (this.#letGo) return
      const ended = this.#queue.failure ?? this.#moved
      if (ended !== null) throw ended
      if (news) this.#news.came()
      if (this.#stop.signal.aborted) return
      await this.#news.wait(this.#nextLookMs())
    }
  }

  #nextLookMs(): number {
    return nextLookMs({ flushIntervalMs: this.#world.flushIntervalMs, sinceFlushMs: this.#queue.sinceFlushMs, soon: this.#pins.soon })
  }

  /** Everything that is committed now is durable in the replica when this resolves, or the outcome says why not. */
  drain(): Promise<DrainOutcome> {
    return this.#inTurn(async () => {
      const unread = this.#letGo
        ? null
        : ((await this.#flushEverything()) ??
          this.#replaced() ??
          (await committedPastLog(this.#attached.database, this.#pages)) ??
          this.#attached.unread)
      if (!this.#letGo) await this.#queue.lookAgain(drainPatienceMs)
      const missing = unread ?? this.#queue.unstored
      const because = missing ?? 'everything committed is durable in the replica'
      return { timeline: this.#attached.timeline, ...this.#queue.published, complete: missing === null, because }
    })
  }

  /** Every page of the file is looked at now, or the outcome says why not. Commits are copied meanwhile. */
  async scrub(): Promise<ScrubOutcome> {
    const { clock } = this.#world
    this.#scrub.startTurn()
    for (;;) {
      const ended = await this.#inTurn(async () => {
        if (this.#letGo || this.#unjudged() !== null) return true
        this.#guard(() => this.#look())
        const turned = this.#scrub.lookNow(clock.monotonicMs())
        await this.#tellDamage()
        return turned
      })
      if (ended) return { ...this.#scrub.facts, txid: this.#queue.published.txid, because: this.#letGo ? 'let go' : this.#unjudged() }
      await clock.sleep(this.#scrub.waits ? retryReadMs : 0)
    }
  }

  /** Why it cannot be said what a page must be; null: it can. */
  #unjudged(): string | null {
    if (this.#logDamage !== null) return this.#logDamage
    const moved = this.#attached.database.moved()
    return moved.length === 0 ? null : `the ${moved.map((file) => names[file]).join(' and the ')} was taken away while it was in use`
  }

  /** Drops pins, connections and descriptors. What was captured stays published; nothing more is. Safe to repeat. */
  letGo(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#letGo) return
      this.#letGo = true
      this.#attached.database.close()
      this.#news.wake()
      // What is published later would be of a database that is gone, behind a point that another one goes on from.
      this.#stop.abort()
      await this.#queue.landed(drainPatienceMs)
    })
  }

  /**
   * As `letGo`, for the sake of the bot's disk. What the log holds goes into the file first, as far as readers of the bot's own allow: its
   * next commit begins the log anew, and no commit of the bot has to do that work.
   */
  giveUp(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#letGo) return
      this.#letGo = true
      // A store that is away is no longer waited for: whoever follows next publishes in its own name.
      this.#stop.abort()
      await this.#queue.flushAll(drainPatienceMs)
      await this.#keepRot()
      const { locks } = this.#attached.database
      locks.unpin(0)
      locks.unpin(1)
      try {
        if (this.#untouchable === null && this.#logDamage === null) {
          this.#guard(() => {
            // At the end of the log it is in nobody's way.
            locks.pin(0)
            checkpointBeside(locks)
          })
        }
      } catch (error) {
        // No room is left, say: it is given up all the same.
        if (!isDrError(error)) throw error
        this.#world.onEvent({ type: 'warning', because: error.message })
      } finally {
        this.#attached.database.close()
      }
    })
  }

  /** Flushes, then ends `run`. Connections stay open on purpose: closing the last one would checkpoint and delete the log behind the bot. */
  async stop(): Promise<DrainOutcome> {
    this.#stop.abort()
    this.#news.wake()
    await this.#inTurn(() => this.#keepRot())
    return this.drain()
  }

  /** Of a log that was taken away, what the file lacks, for whoever attaches next; null: nothing. */
  get left(): LeftLog | null {
    return this.#deserted.left
  }

  position(): Omit<CapturePosition, 'pid' | 'database' | 'replica' | 'walLargeSinceMs' | 'gaveUp'> {
    const { oldestMs, pendingCommits, published, trouble } = this.#queue
    const moved = this.#letGo ? [] : this.#attached.database.moved()
    return {
      state: this.#letGo ? 'let-go' : 'capturing',
      timeline: this.#attached.timeline,
      ...published,
      pendingCommits,
      lagMs: oldestMs === null ? 0 : Math.max(0, this.#world.clock.wallMs() - oldestMs),
      walBytes: (this.#end?.frames ?? 0) * (this.#attached.base.pageSize + frameHeaderBytes),
      walUnfinished: this.#end !== null && this.#end.backfilled < this.#end.frames,
      moved,
      unproven: this.#attached.unproven,
      trouble: this.#moved?.message ?? trouble ?? this.#checkpointTrouble ?? this.#unproven() ?? this.#attached.unread,
      // A log that cannot be followed is not damaged: a new attach is on its way.
      damage: (isDrError(this.#moved, 'WAL_UNFOLLOWED') ? null : this.#logDamage) ?? this.#untouchable,
      scrub: this.#scrub.facts,
      continuous: this.#logDamage === null && moved.length === 0 && this.#attached.unread === null,
    }
  }

  #unproven(): string | null {
    const because = this.#letGo ? null : this.#attached.database.locks.unproven()
    return because === null ? null : `${because}: no checkpoint of ours finishes the log, which grows while the bot writes without a pause`
  }

  /** True when there was something new. */
  async #tick(): Promise<boolean> {
    if (this.#letGo) return false
    const { database } = this.#attached
    if (database.replaced()) {
      // What was committed before belongs to this history, and its files are still open.
      await this.#flushEverything()
      this.#moved ??= databaseMoved(database.path)
      return false
    }
    // Where nothing stands in their place we follow on: whoever has these files open still commits to them.
    const gone = database.moved()
    this.#missing(gone)
    this.#moved ??= await this.#deserted.look(gone, async () => ((await this.#flushEverything()) ?? this.#queue.unstored) === null)
    if (this.#moved !== null) return false
    this.#guard(() => this.#lookAtHeader())
    const before = this.#reader.place
    if (this.#logDamage === null) this.#guard(() => this.#look())
    this.#queue.flushIfDue()
    if (this.#unjudged() === null) this.#scrub.look(this.#world.clock.monotonicMs())
    await this.#tellDamage()
    return this.#reader.place !== before || !this.#queue.idle
  }

  async #keepRot(): Promise<void> {
    const { keptRot, clock, onEvent } = this.#world
    const unkept = await this.#rot.keep(keptRot, clock)
    if (unkept !== null) onEvent({ type: 'warning', because: unkept })
  }

  /** What is told is remembered, but for what was found within a second of the last time. */
  async #tellDamage(): Promise<void> {
    const { keptRot, clock, onEvent } = this.#world
    const unkept = await this.#rot.keepWhenDue(keptRot, clock)
    if (unkept !== null && unkept !== this.#unkeptRot) onEvent({ type: 'warning', because: unkept })
    this.#unkeptRot = unkept
    const pages = this.#found
    this.#found = []
    if (pages.length > 0) onEvent({ type: 'damaged-pages', pages, path: this.#attached.database.path })
  }

  /** Why not everything committed was read; null when it was. */
  async #flushEverything(): Promise<string | null> {
    const { clock } = this.#world
    const deadline = clock.monotonicMs() + drainPatienceMs
    let unread = this.#logDamage
    do {
      // More may wait in the log than memory holds, and a lock may be busy.
      if (this.#logDamage === null) unread = this.#readAll()
      await this.#queue.flushAll(Math.max(0, deadline - clock.monotonicMs()))
      if (unread !== null && this.#logDamage === null) await clock.sleep(retryReadMs)
    } while (unread !== null && this.#logDamage === null && clock.monotonicMs() < deadline && this.#queue.failure === null)
    return this.#logDamage ?? unread
  }

  /** Whoever has the former file open may commit to it still, and nobody looks at that for long. null: it is the one that was opened. */
  #replaced(): string | null {
    return this.#attached.database.replaced() ? 'another file was put in its place while it was in use' : null
  }

  /** null: everything committed is read; otherwise why not. */
  #readAll(): string | null {
    let unread: string | null = 'a lock of the database was busy'
    this.#guard(() => {
      unread = this.#reader.hasReadTo(this.#reader.readOn()) ? null : 'more waits in the log than memory holds'
    })
    return unread
  }

  /** What is wrong with the database becomes part of the position; the standing pin stays, and so does what it protects. */
  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (isDrError(error, 'DATABASE_BUSY')) return
      // SQLite cannot work with a file that is not where it was opened.
      const gone = isDrError(error, 'DATABASE_DAMAGED') ? this.#attached.database.moved() : []
      if (gone.length > 0) this.#missing(gone)
      else if (isDrError(error, 'DATABASE_DAMAGED')) this.#fileDamaged(error.message)
      else if (isDrError(error, 'WAL_UNFOLLOWED')) {
        this.#logDamage = error.message
        this.#moved ??= error
      } else if (isDrError(error, 'WAL_DAMAGED')) {
        this.#logDamage = error.message
        this.#world.onEvent({ type: 'warning', because: error.message })
      } else throw error
    }
  }

  /** Reads what is new, and lets the log become small again when it has grown. */
  #look(): void {
    const { locks, bytes } = this.#attached.database
    if (this.#untouchable === null && this.#checkpointing(() => this.#pins.waits()) === true) return
    const end = this.#reader.readOn()
    this.#end = end
    const checkpointed = this.#untouchable === null ? this.#checkpointing(() => this.#pins.tend(end)) : null
    if (checkpointed === null) return
    this.#checkpointTrouble = null
    this.#world.onEvent({ type: 'checkpointed', ...checkpointed })
    this.#end = findLogEnd(locks, bytes)
  }

  /** null: the disk is full, which is told once. */
  #checkpointing<T>(work: () => T): T | null {
    try {
      return work()
    } catch (error) {
      if (!isDrError(error, 'DISK_FULL')) throw error
      if (this.#checkpointTrouble === null) this.#world.onEvent({ type: 'warning', because: error.message })
      this.#checkpointTrouble = error.message
      return null
    }
  }

  /** The first bytes of the file, which SQLite itself does not look at while the log has a newer first page. */
  #lookAtHeader(): void {
    const { database, base } = this.#attached
    if (readDatabaseHeader(database.bytes)?.pageSize === base.pageSize) return
    this.#fileDamaged(`the first bytes of ${database.path} are not the header of this database any more`)
  }

  /** As long as it is so, nothing of ours writes to the file: it may be evidence, and may be put back. */
  #missing(gone: ReturnType<LiveDatabase['moved']>): void {
    const { path } = this.#attached.database
    const because = gone.map((file) => `the ${names[file]} of ${path} was taken away while it was in use`).join('; ')
    if (because !== '' && this.#takenAway === null) this.#world.onEvent({ type: 'warning', because })
    this.#takenAway = because === '' ? null : because
  }

  /** What keeps us from writing to the file. */
  get #untouchable(): string | null {
    return this.#fileDamage ?? this.#takenAway
  }

  /** From now on nothing of ours writes to the file: it is evidence. */
  #fileDamaged(because: string): void {
    if (this.#fileDamage !== null) return
    this.#fileDamage = because
    this.#world.onEvent({ type: 'warning', because })
  }
}

const names = { database: 'file', wal: 'log', shm: '-shm' } as const

function databaseMoved(path: string): DrError {
  return new DrError('DATABASE_MOVED', {
    what: `another file stands at ${path} than the one that was opened`,
    untouched: 'Nothing more is published from the former one; what was published stays.',
    next: 'The capture looks at the path again by itself; if it refuses then, it says why.',
  })
}
