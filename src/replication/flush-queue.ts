/**
 * What was read and waits, and the flushes that carry it into the replica: one at a time, so that txids follow each other.
 * If we die here: what waits is in the log, and a flush is whole or absent in the replica.
 */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { KeptSums } from '../ports/kept-sums.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { fileKey, timelineKey, timelinePattern } from '../replica/layout.ts'
import type { PageSums } from '../replica/page-sums.ts'
import type { Frame, WalPosition } from '../wal/frames.ts'
import { sameGeneration } from '../wal/header.ts'
import type { CaptureEvent } from './capture-event.ts'
import { applyToSums, encodeFlush, flushFacts, flushPages } from './flush.ts'
import { keepSums } from './keep-sums.ts'
import { Pending } from './pending.ts'
import { patiently, publishPatiently } from './publisher.ts'
import type { FrameSink } from './wal-reader.ts'

/** Chosen: more than this is not held in memory; it waits in the log, which a pin protects. */
const pendingBytes = 32 * 1024 * 1024

/** Chosen: one listing of a folder each 5 s costs nothing, and two captures of one replica are told apart before a person looks twice. */
const lookForOthersMs = 5000

/** Chosen: all of those of 3 s, or each second one of 6 s; they take a few milliseconds. Whoever deletes by age or by mistake deletes more than one. */
const mostLooks = 64

/** Chosen: a second of flushes is read again within milliseconds after a crash, and a few blocks a second are nothing to any disk. */
const keepSumsMs = 1000

export interface FlushWorld {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly onEvent: (event: CaptureEvent) => void
  readonly flushIntervalMs: number
  readonly keptSums: KeptSums
  /** A page that is not in the log since the last flush, as SQLite would read it now. */
  readonly readPage: (page: number) => Uint8Array
  /** Aborted when the capture is told to stop: a store that is away is no longer waited for. */
  readonly signal: AbortSignal
}

/** Where the timeline stands when the queue begins. */
export interface FlushStart {
  readonly timeline: string
  readonly timelineId: string
  readonly pageSize: number
  /** Of the newest restore point; kept up to date with each flush. */
  readonly sums: PageSums
  readonly place: WalPosition | null
  readonly txid: number
  readonly lastCommitMs: number
}

export class FlushQueue implements FrameSink {
  readonly #world: FlushWorld
  readonly #start: FlushStart
  #pending = new Pending()
  #publishing: Promise<void> | null = null
  /** What the flush on its way carries; null when none is. */
  #inFlight: Pending | null = null
  #noLookBeforeMs = -Infinity
  /** The place in the log before what is pending. */
  #from: WalPosition | null
  #capturedTxid: number
  #capturedPages: number
  #publishedTxid: number
  /** Files that were published since it was looked whether they are still there, and the newest of those that were. */
  #unlooked: string[] = []
  #lastCommitMs: number
  #lastFlushMs = -Infinity
  #keptAtMs = -Infinity
  /** Ends a pause between two tries. */
  #hurry = new AbortController()
  readonly #patience: Pick<Clock, 'sleep'>
  #trouble: string | null = null
  #failure: unknown = null
  /** Why the checksums were not kept the last time. */
  #unkept: string | null = null

  constructor(world: FlushWorld, start: FlushStart) {
    this.#world = world
    this.#start = start
    this.#patience = {
      sleep: (ms, signal) => world.clock.sleep(ms, AbortSignal.any([this.#hurry.signal, ...(signal === undefined ? [] : [signal])])),
    }
    this.#from = start.place
    this.#capturedTxid = start.txid
    this.#capturedPages = start.sums.pages
    this.#publishedTxid = start.txid
    this.#lastCommitMs = start.lastCommitMs
  }

  add(frame: Frame, page: Uint8Array, after: WalPosition, seenMs: number): void {
    this.#pending.add(frame, page, after, seenMs)
  }

  full(): boolean {
    return this.#pending.sizeBytes >= pendingBytes
  }

  /** Nothing waits, and nothing is on its way. */
  get idle(): boolean {
    return this.#pending.empty && this.#publishing === null
  }

  /** What waits is about the page, so that the checksums do not say yet what it must be. */
  touches(page: number): boolean {
    return this.#pending.touches(page)
  }

  /** Commits that are not durable in the replica. */
  get pendingCommits(): number {
    return this.#pending.commits + (this.#inFlight?.commits ?? 0)
  }

  /** When the oldest commit that waits was seen: ms since the epoch; null when none does. */
  get oldestMs(): number | null {
    if (this.#inFlight !== null) return this.#inFlight.firstCommitMs
    return this.#pending.empty ? null : this.#pending.firstCommitMs
  }

  /** Newest txid that is durable in the replica, and when its last commit was seen. */
  get published(): { readonly txid: number; readonly lastCommitMs: number } {
    return { txid: this.#publishedTxid, lastCommitMs: this.#lastCommitMs }
  }

  /** Why the store does not take our flushes, null when it does. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** Why not everything that was read is durable; null when it is. */
  get unstored(): string | null {
    return this.#trouble ?? (this.idle ? null : 'commits are still waiting')
  }

  /** What no further try can mend; null while all is well. Nothing is flushed after it. */
  get failure(): unknown {
    return this.#failure
  }

  /** Since the last flush began; Infinity: none has. */
  get sinceFlushMs(): number {
    return this.#world.clock.monotonicMs() - this.#lastFlushMs
  }

  /** Begins a flush when something waits and the last one was long enough ago. */
  flushIfDue(): void {
    if (this.#pending.empty || this.#publishing !== null || this.sinceFlushMs < this.#world.flushIntervalMs) return
    this.#lastFlushMs = this.#world.clock.monotonicMs()
    void this.#begin()
  }

  /** Resolves when everything that waits now is in the replica, a failure stands, or `withinMs` are over. */
  flushAll(withinMs: number): Promise<void> {
    // A store that was away may be back, and whoever asks is not made to wait out the pause.
    this.#hurry.abort()
    this.#hurry = new AbortController()
    return this.#within(this.#flushRest(), withinMs)
  }

  /** Looks now whether what was published last is still there; what is not makes `unstored` and `failure`. While nothing waits. */
  async lookAgain(withinMs: number): Promise<void> {
    if (!this.idle || this.#failure !== null) return
    this.#noLookBeforeMs = -Infinity
    const look = this.#requireOurs().catch((error: unknown) => {
      this.#troubled(sentenceOf(error))
      this.#failure ??= error
    })
    await this.#within(look, withinMs)
  }

  /** Resolves when no flush is on its way, or `withinMs` are over. */
  landed(withinMs: number): Promise<void> {
    return this.#within(this.#publishing ?? Promise.resolve(), withinMs)
  }

  async #within(work: Promise<void>, withinMs: number): Promise<void> {
    const done = new AbortController()
    await Promise.race([work.finally(() => done.abort()), this.#world.clock.sleep(withinMs, done.signal)])
  }

  async #flushRest(): Promise<void> {
    if (this.#publishing !== null) await this.#publishing
    if (!this.#pending.empty && this.#failure === null) await this.#begin()
    if (this.idle && this.#failure === null) this.#keep()
  }

  #begin(): Promise<void> {
    this.#publishing ??= this.#flush().finally(() => {
      this.#publishing = null
    })
    return this.#publishing
  }

  async #flush(): Promise<void> {
    const { store, clock, onEvent, signal } = this.#world
    const { timeline } = this.#start
    const pending = this.#pending
    try {
      const txid = this.#capturedTxid + 1
      const { body, pages } = this.#encode(pending, txid)
      this.#pending = new Pending()
      this.#capturedTxid = txid
      this.#capturedPages = pending.databasePages
      this.#from = pending.end
      this.#inFlight = pending
      await this.#requireOurs()
      const object = { key: fileKey(store.layout, timeline, 0, txid, txid), body, timestampMs: pending.lastCommitMs }
      await publishPatiently(store, this.#patience, object, signal, (error) => this.#troubled(error.message))
      this.#trouble = null
      this.#publishedTxid = txid
      this.#unlooked.push(object.key)
      this.#lastCommitMs = pending.lastCommitMs
      const lagMs = clock.wallMs() - pending.firstCommitMs
      onEvent({ type: 'flushed', timeline, txid, commits: pending.commits, pages, lagMs })
      if (clock.monotonicMs() - this.#keptAtMs >= keepSumsMs) this.#keep()
    } catch (error) {
      this.#troubled(sentenceOf(error))
      this.#failure ??= error
    } finally {
      this.#inFlight = null
    }
  }

  /** Only right after a flush is in the replica, and before the next one is encoded: then the checksums are of that very txid. */
  #keep(): void {
    const { keptSums, clock, onEvent } = this.#world
    const { timelineId, pageSize, sums } = this.#start
    this.#keptAtMs = clock.monotonicMs()
    const unkept = keepSums(keptSums, { timelineId, txid: this.#publishedTxid, pageSize }, sums)
    if (unkept !== null && unkept !== this.#unkept) onEvent({ type: 'warning', because: unkept })
    this.#unkept = unkept
  }

  /**
   * Somebody who began a newer timeline took over: what we would add is no longer the history of the database.
   * @throws TIMELINE_SEALED, OBJECT_MISSING when our own timeline is gone from the replica, WAL_UNFOLLOWED when only files of it are
   */
  async #requireOurs(): Promise<void> {
    const { store, clock } = this.#world
    const now = clock.monotonicMs()
    if (now < this.#noLookBeforeMs) return
    const numbers = (
      await patiently(
        () => store.folders(''),
        this.#patience,
        this.#world.signal,
        (error) => this.#troubled(error.message),
      )
    ).filter((name) => timelinePattern.test(name))
    this.#noLookBeforeMs = now + lookForOthersMs
    const { timeline } = this.#start
    for (const newer of numbers.filter((number) => number > timeline)) {
      // Whoever died before his claim left a folder that is nobody's.
      if ((await store.list(timelineKey(newer))).length === 0) continue
      throw new DrError('TIMELINE_SEALED', {
        what: `somebody began timeline ${newer} of ${store.url}, after ours, which is ${timeline}`,
        untouched: 'Nothing more is published to ours; what is not in it yet is in the log of the database.',
        next: 'Find out who copies to this replica (genesis-dr backup-status). One database has one capture; another one needs a replica of its own.',
      })
    }
    if (numbers.includes(timeline)) return this.#requireFiles()
    throw new DrError('OBJECT_MISSING', {
      what: `timeline ${timeline} is gone from ${store.url}`,
      untouched: 'The database was not touched; what is not copied yet is in its log.',
      next: 'Is the disk of the replica mounted? Start the capture again: it goes on where the replica is, or begins it anew.',
    })
  }

  /** What follows a file that is gone could not be restored. */
  async #requireFiles(): Promise<void> {
    const { store, signal } = this.#world
    // The newest of the last look, first: what was deleted since then began with it or before.
    for (const key of new Set([...this.#unlooked.slice(0, 1), ...evenly(this.#unlooked, mostLooks)])) {
      const look = async (): Promise<void> => (await store.open(key)).close()
      try {
        await patiently(look, this.#patience, signal, (error) => this.#troubled(error.message))
      } catch (error) {
        if (!isDrError(error, 'OBJECT_MISSING')) throw error
        throw new DrError('WAL_UNFOLLOWED', {
          what: `${key}, which was copied a moment ago, is gone from ${store.url}`,
          untouched: 'The database was not touched; nothing more was published after that file.',
          next: 'The capture attaches anew by itself and copies what the replica lacks. Find out who deletes from it.',
          cause: error,
        })
      }
    }
    this.#unlooked = this.#unlooked.slice(-1)
  }

  #encode(pending: Pending, txid: number): { readonly body: Uint8Array; readonly pages: number } {
    const { sums, pageSize } = this.#start
    const pages = flushPages(pending, this.#capturedPages, pageSize, this.#world.readPage)
    applyToSums(sums, pages, pending.databasePages)
    const facts = flushFacts(pending, { pageSize, txid, rolling: sums.rolling, fromFrame: this.#framesBefore(pending) })
    return { body: encodeFlush(facts, pages), pages: pages.length }
  }

  /** Frames of the log before what is pending, in the generation in which that ends. */
  #framesBefore({ end }: Pending): number {
    const from = this.#from
    return from !== null && end !== null && sameGeneration(from.header, end.header) ? from.frames : 0
  }

  #troubled(because: string): void {
    if (this.#trouble !== because) this.#world.onEvent({ type: 'warning', because })
    this.#trouble = because
  }
}

/** At most `most` of them, the last one always. */
function evenly<T>(all: readonly T[], most: number): readonly T[] {
  const step = Math.max(1, all.length / most)
  return Array.from({ length: Math.min(most, all.length) }, (_, at) => all.at(-1 - Math.floor(at * step))).filter(
    (one) => one !== undefined,
  )
}
