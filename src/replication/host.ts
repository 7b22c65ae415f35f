/**
 * Keeps a capture alive for one database: attaches, follows, and after a let-go or a replaced file attaches again.
 * A store that is away is waited for; a database that may not be published ends it with the reason.
 */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import type { CaptureControl, CaptureFork, CapturePosition, DrainOutcome, GaveUp, ScrubOutcome } from '../ports/capture-control.ts'
import type { DiskSpace } from '../ports/disk-space.ts'
import { isoTime } from '../units.ts'
import type { AttachOptions } from './attach.ts'
import { Capture } from './capture.ts'
import type { CaptureWorld } from './capture-world.ts'
import { inTurn } from './in-turn.ts'
import { type CaptureLimits, excessOf, stillShort } from './limits.ts'
import { whyLogDoesNotFit } from './log-fits.ts'
import { type CaptureMoment, mends } from './mends.ts'
import { checkpointBytes } from './pins.ts'

/** Chosen: a recovery that let us go resumes us itself; if it died, we protect whatever stands at the path after 10 s. */
const aloneAfterLetGoMs = 10_000
const retryPauseMs = 1000
/** Chosen: a disk fills in minutes, not in seconds; and three looks, because a log may be large for the instant before a checkpoint. */
const limitLookMs = 1000
const limitLooks = 3
/** Chosen: to come back, the database is opened and its log put into the file; six times a minute harms nobody. */
const comeBackLookMs = 10_000
/** Chosen: twice what the log has when nobody is in the way. */
const largeLogBytes = 2 * checkpointBytes

export interface HostWorld extends CaptureWorld {
  readonly pid: number
  readonly limits: CaptureLimits
  /** Of the database; null where it cannot be told. */
  readonly diskSpace: () => DiskSpace | null
  /** Something is at the path of the database. */
  readonly databaseExists: () => Promise<boolean>
}

export class CaptureHost implements CaptureControl {
  readonly #world: HostWorld
  readonly #inTurn = inTurn()
  #capture: Capture | null = null
  #running: Promise<unknown> = Promise.resolve()
  #letGoAtMs: number | null = null
  #because = 'starting'
  #next: AttachOptions
  #stopped = false
  #gaveUp: GaveUp | null = null
  #walLargeSinceMs: number | null = null
  #noComeBackBeforeMs = -Infinity
  /** How far the last capture came, whose log could not be followed on; null: there is none, or one followed it. */
  #unfollowed: DrainOutcome | null = null
  #lastDrain: DrainOutcome = { timeline: '', txid: 0, lastCommitMs: 0, complete: false, because: 'the capture was never drained' }
  #wake = new AbortController()

  constructor(world: HostWorld, takeOver: boolean) {
    this.#world = world
    this.#next = { takeOver, fork: null }
  }

  /** Ends when `signal` aborts, flushed. @throws whatever must be seen by a person: DATABASE_OTHER, REPLICA_FOREIGN, TIMELINE_SEALED, ... */
  async run(signal: AbortSignal): Promise<DrainOutcome | null> {
    signal.addEventListener('abort', () => this.#wake.abort(), { once: true })
    let moment: CaptureMoment = 'first attach'
    while (!signal.aborted) {
      if (this.#capture === null) await this.#inTurn(async () => ((await this.#mayAttach()) ? this.#attachPatiently(moment) : undefined))
      if (this.#capture !== null) {
        moment = 'attach again'
        await this.#follow(this.#capture, signal)
      } else await this.#pause(signal)
    }
    this.#stopped = true
    const outcome = this.#capture === null ? null : await this.#capture.stop()
    await this.#running
    return outcome
  }

  async position(): Promise<CapturePosition> {
    const { pid, databasePath: database, store } = this.#world
    const who = { pid, database, replica: store.url, walLargeSinceMs: this.#walLargeSinceMs, gaveUp: this.#gaveUp }
    if (this.#capture !== null) return { ...this.#capture.position(), ...who }
    const nothing = {
      timeline: '',
      txid: 0,
      lastCommitMs: 0,
      pendingCommits: 0,
      lagMs: 0,
      walBytes: 0,
      walUnfinished: false,
      moved: [],
      unproven: null,
      damage: null,
      scrub: null,
    }
    return { ...nothing, ...who, state: this.#letGoAtMs === null ? 'attaching' : 'let-go', trouble: this.#because, continuous: false }
  }

  /** While nothing stands at the path: what the last drain said, because nothing can have been committed since. */
  drain(): Promise<DrainOutcome> {
    return this.#inTurn(async () => {
      if (this.#capture === null && !(await this.#world.databaseExists())) return this.#lastDrain
      if (this.#capture === null) await this.#attachPatiently('attach again')
      if (this.#capture === null && this.#unfollowed !== null) return { ...this.#unfollowed, because: this.#because }
      this.#lastDrain = await this.#attachedCapture().drain()
      return this.#lastDrain
    })
  }

  scrub(): Promise<ScrubOutcome> {
    // Not in turn: it takes its time, and what is asked meanwhile is answered.
    return this.#attachedCapture().scrub()
  }

  letGo(): Promise<void> {
    return this.#inTurn(async () => {
      this.#letGoAtMs = this.#world.clock.monotonicMs()
      this.#because = 'let go for a recovery'
      const capture = this.#capture
      this.#capture = null
      if (capture === null) return
      await capture.letGo()
      await this.#running
      this.#world.onEvent({ type: 'let-go', because: this.#because })
    })
  }

  resume(fork: CaptureFork | null): Promise<DrainOutcome> {
    return this.#inTurn(async () => {
      if (this.#capture !== null) {
        await this.#capture.letGo()
        await this.#running
        this.#capture = null
      }
      this.#capture = await Capture.open(this.#world, { takeOver: false, fork })
      this.#attachedAgain()
      this.#wakeUp()
      return this.#capture.drain()
    })
  }

  async #follow(capture: Capture, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => void capture.stop().catch((error: unknown) => sentenceOf(error))
    signal.addEventListener('abort', onAbort, { once: true })
    const running = capture.run()
    const ended = new AbortController()
    const watching = this.#watchLimits(capture, ended.signal)
    this.#running = running.catch((error: unknown) => sentenceOf(error))
    try {
      await running
    } catch (error) {
      if (!isDrError(error, 'DATABASE_MOVED', 'WAL_UNFOLLOWED')) throw error
      this.#world.onEvent({ type: 'warning', because: error.message })
      // The replaced files are still open: what was committed to them before belongs to this history.
      this.#lastDrain = await capture.drain()
      if (isDrError(error, 'WAL_UNFOLLOWED')) this.#unfollowed = this.#lastDrain
      this.#because = error.message
      await capture.letGo()
      if (this.#capture === capture) this.#capture = null
      this.#next = { takeOver: false, fork: null, left: capture.left }
    } finally {
      signal.removeEventListener('abort', onAbort)
      ended.abort()
      await watching
    }
  }

  /** Gives the pin up, at most once, when a limit is passed and stays so. */
  async #watchLimits(capture: Capture, ended: AbortSignal): Promise<void> {
    const { clock, limits, diskSpace } = this.#world
    for (let over = 0; ; ) {
      await clock.sleep(limitLookMs, ended)
      if (ended.aborted) return
      const { walBytes: logBytes, walUnfinished: logUnfinished } = capture.position()
      if (!logUnfinished || logBytes < largeLogBytes) this.#walLargeSinceMs = null
      else this.#walLargeSinceMs ??= clock.wallMs()
      const because = excessOf({ logBytes, logUnfinished, disk: diskSpace() }, limits)
      over = because === null ? 0 : over + 1
      if (because === null || over < limitLooks) continue
      void this.#inTurn(() => this.#giveUp(capture, because))
      return
    }
  }

  /** If we die here: as after any let-go, the next attach finds where the replica stands. */
  async #giveUp(capture: Capture, because: string): Promise<void> {
    const { clock, onEvent } = this.#world
    if (this.#capture !== capture) return
    this.#capture = null
    this.#next = { takeOver: false, fork: null }
    this.#gaveUp = { atMs: clock.wallMs(), untilMs: null, because }
    this.#letGoAtMs = clock.monotonicMs()
    this.#because = gaveUpText(this.#gaveUp)
    await capture.giveUp()
    await this.#running
    onEvent({ type: 'let-go', because: this.#because })
  }

  /** What the pin was given up for is over. */
  #mayComeBack(gaveUp: GaveUp): boolean {
    const { clock, limits, diskSpace, openDatabase } = this.#world
    if (clock.monotonicMs() < this.#noComeBackBeforeMs) return false
    this.#noComeBackBeforeMs = clock.monotonicMs() + comeBackLookMs
    const because = stillShort(diskSpace(), limits) ?? whyLogDoesNotFit(openDatabase, limits)
    if (because === null) return true
    this.#because = `${gaveUpText(gaveUp)}; it is not followed again yet because ${because}`
    return false
  }

  async #mayAttach(): Promise<boolean> {
    if (this.#stopped) return false
    if (this.#letGoAtMs === null) return true
    if (this.#world.clock.monotonicMs() - this.#letGoAtMs <= aloneAfterLetGoMs || !(await this.#world.databaseExists())) return false
    return this.#gaveUp?.untilMs !== null || this.#mayComeBack(this.#gaveUp)
  }

  /** Not attached: it is said why, once, and is tried again. @throws what does not mend by itself */
  async #attachPatiently(moment: CaptureMoment): Promise<void> {
    if (this.#capture !== null) return
    try {
      this.#capture = await Capture.open(this.#world, this.#next)
      this.#attachedAgain()
    } catch (error) {
      if (!isDrError(error) || !mends(error, moment)) throw error
      if (this.#because !== error.message) this.#world.onEvent({ type: 'warning', because: error.message })
      this.#because = error.message
    }
  }

  #attachedAgain(): void {
    this.#letGoAtMs = null
    this.#unfollowed = null
    if (this.#gaveUp?.untilMs === null) this.#gaveUp = { ...this.#gaveUp, untilMs: this.#world.clock.wallMs() }
  }

  #attachedCapture(): Capture {
    if (this.#capture !== null) return this.#capture
    throw new DrError('CAPTURE_STUCK', {
      what: `the capture is not attached to the database: ${this.#because}`,
      untouched: 'Nothing was published by this.',
      next: 'Look at genesis-dr replication-status; a recovery in progress resumes the capture itself.',
    })
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await this.#world.clock.sleep(retryPauseMs, AbortSignal.any([signal, this.#wake.signal]))
    if (this.#wake.signal.aborted && !signal.aborted) this.#wake = new AbortController()
  }

  #wakeUp(): void {
    this.#wake.abort()
  }
}

function gaveUpText({ atMs, because }: GaveUp): string {
  return `the pin was given up at ${isoTime(atMs)} because ${because}; commits since then are not followed`
}
