/** Waiting for news of the log: by the cadence while commits come, then by file events, with a slow poll for those that are missed. */
import type { Clock } from '../ports/clock.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { slowPollMs } from './cadence.ts'

/** Chosen: without news for half a second, a file event or the slow poll wakes us instead of the cadence. */
const quietAfterMs = 500

export class News {
  readonly #clock: Clock
  readonly #database: Pick<LiveDatabase, 'watch'>
  readonly #stop: AbortSignal
  #lastMs: number
  #wake: () => void = () => {}
  /** null: nobody watches the log. */
  #unwatch: (() => void) | null = null

  constructor(clock: Clock, database: Pick<LiveDatabase, 'watch'>, stop: AbortSignal) {
    this.#clock = clock
    this.#database = database
    this.#stop = stop
    this.#lastMs = clock.monotonicMs()
  }

  /** There was something new. */
  came(): void {
    this.#lastMs = this.#clock.monotonicMs()
  }

  /** Until the next look, at the latest; `lookMs`: the cadence. */
  async wait(lookMs: number): Promise<void> {
    if (this.#clock.monotonicMs() - this.#lastMs < quietAfterMs) {
      this.end()
      await this.#clock.sleep(lookMs, this.#stop)
    } else if (await this.#quiet()) this.came()
  }

  /** Whoever waits for a file event looks now. */
  wake(): void {
    this.#wake()
  }

  end(): void {
    this.#unwatch?.()
    this.#unwatch = null
  }

  /** True when a file event woke us: it comes before its commit is told, so that the cadence is taken up whatever the next look finds. */
  async #quiet(): Promise<boolean> {
    const woken = new AbortController()
    this.#wake = () => woken.abort()
    // It stands until it tells of something. A commit between the last look and the watch would wait for the slow poll, which is what bounds it.
    this.#unwatch ??= this.#database.watch(() => this.#wake())
    await this.#clock.sleep(slowPollMs, AbortSignal.any([woken.signal, this.#stop]))
    this.#wake = () => {}
    return woken.signal.aborted
  }
}
