/**
 * Keeps a capture alive for one database: attaches, follows, and after a let-go or a replaced file attaches again.
 * A store that is away is waited for; a database that may not be published ends it with the reason.
 */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import type { CaptureControl, CaptureFork, CapturePosition, DrainOutcome, ScrubOutcome } from '../ports/capture-control.ts'
import type { AttachOptions, CaptureWorld } from './attach.ts'
import { Capture } from './capture.ts'

/** Chosen: a recovery that let us go resumes us itself; if it died, we protect whatever stands at the path after 10 s. */
const aloneAfterLetGoMs = 10_000
const retryPauseMs = 1000

export interface HostWorld extends CaptureWorld {
  readonly pid: number
  /** Something is at the path of the database. */
  readonly databaseExists: () => Promise<boolean>
}

export class CaptureHost implements CaptureControl {
  readonly #world: HostWorld
  #capture: Capture | null = null
  #running: Promise<unknown> = Promise.resolve()
  #letGoAtMs: number | null = null
  #because = 'starting'
  #next: AttachOptions
  #turn: Promise<unknown> = Promise.resolve()
  #stopped = false
  #lastDrain: DrainOutcome = { timeline: '', txid: 0, lastCommitMs: 0, complete: false, because: 'the capture was never drained' }
  #wake = new AbortController()

  constructor(world: HostWorld, takeOver: boolean) {
    this.#world = world
    this.#next = { takeOver, fork: null }
  }

  /** Ends when `signal` aborts, flushed. @throws whatever must be seen by a person: DATABASE_OTHER, REPLICA_FOREIGN, TIMELINE_SEALED, ... */
  async run(signal: AbortSignal): Promise<DrainOutcome | null> {
    signal.addEventListener('abort', () => this.#wake.abort(), { once: true })
    let first = true
    while (!signal.aborted) {
      if (this.#capture === null) await this.#inTurn(async () => ((await this.#mayAttach()) ? this.#attachPatiently(first) : undefined))
      if (this.#capture !== null) {
        first = false
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
    const who = { pid, database, replica: store.url }
    if (this.#capture !== null) return { ...this.#capture.position(), ...who }
    const nothing = {
      timeline: '',
      txid: 0,
      lastCommitMs: 0,
      pendingCommits: 0,
      lagMs: 0,

      walBytes: 0,
      moved: [],
      damage: null,
      scrub: null,
    }
    return { ...nothing, ...who, state: this.#letGoAtMs === null ? 'attaching' : 'let-go', trouble: this.#because, continuous: false }
  }

  /** While nothing stands at the path: what the last drain said, because nothing can have been committed since. */
  drain(): Promise<DrainOutcome> {
    return this.#inTurn(async () => {
      if (this.#capture === null && !(await this.#world.databaseExists())) return this.#lastDrain
      if (this.#capture === null) await this.#attachPatiently(false)
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
      this.#letGoAtMs = null
      this.#wakeUp()
      return this.#capture.drain()
    })
  }

  async #follow(capture: Capture, signal: AbortSignal): Promise<void> {
    const onAbort = (): void => void capture.stop().catch((error: unknown) => sentenceOf(error))
    signal.addEventListener('abort', onAbort, { once: true })
    const running = capture.run()
    this.#running = running.catch((error: unknown) => sentenceOf(error))
    try {
      await running
    } catch (error) {
      if (!isDrError(error, 'DATABASE_MOVED', 'WAL_UNFOLLOWED')) throw error
      this.#world.onEvent({ type: 'warning', because: error.message })
      // The replaced files are still open: what was committed to them before belongs to this history.
      this.#lastDrain = await capture.drain()
      await capture.letGo()
      if (this.#capture === capture) this.#capture = null
      this.#next = { takeOver: false, fork: null }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #mayAttach(): Promise<boolean> {
    if (this.#stopped) return false
    if (this.#letGoAtMs === null) return true
    return this.#world.clock.monotonicMs() - this.#letGoAtMs > aloneAfterLetGoMs && (await this.#world.databaseExists())
  }

  /** A missing file or a busy lock is waited for once we have been attached; at the first start it is an error that a person sees. */
  async #attachPatiently(first: boolean): Promise<void> {
    if (this.#capture !== null) return
    try {
      this.#capture = await Capture.open(this.#world, this.#next)
      this.#letGoAtMs = null
    } catch (error) {
      const waits =
        isDrError(error) && (error.kind === 'unavailable' || (!first && ['DATABASE_MISSING', 'DATABASE_NOT_SQLITE'].includes(error.code)))
      if (!waits || (first && isDrError(error, 'DATABASE_BUSY', 'IO_FAILED', 'DISK_FULL'))) throw error
      if (this.#because !== error.message) this.#world.onEvent({ type: 'warning', because: error.message })
      this.#because = error.message
    }
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

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch((error: unknown) => sentenceOf(error))
    return turn
  }
}
