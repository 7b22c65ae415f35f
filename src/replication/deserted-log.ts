/**
 * The log, or its -shm, was taken away while it was in use, and whoever opens the database since uses others. Once nobody but us has the
 * former ones open, nothing more comes by them, and only a new attach sees what does.
 * If we die at any point: nothing was written, and the next life attaches all the same. It does not know any more how much of the former log
 * the file lacks, and goes by what log and pages show, or says that pages changed unseen.
 */
import { DrError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { FileIdentity, LiveDatabase } from '../ports/live-database.ts'
import type { LeftLog } from './ancestor.ts'
import { findLogEnd } from './wal-tail.ts'

/** Chosen: a look at each process costs milliseconds, and what is committed meanwhile stays in the log that stands. */
const lookMs = 1000

export interface DesertedWorld {
  readonly clock: Clock
  /** True when no process but this one has one of `files` open; false also when that is not known. */
  readonly deserted: (files: readonly FileIdentity[]) => Promise<boolean>
}

export class DesertedLog {
  readonly #world: DesertedWorld
  readonly #database: LiveDatabase
  #nextLookMs = -Infinity
  #left: LeftLog | null = null

  constructor(world: DesertedWorld, database: LiveDatabase) {
    this.#world = world
    this.#database = database
  }

  /** Of the former log, once a reason was given; null: the file has all of it. */
  get left(): LeftLog | null {
    return this.#left
  }

  /**
   * Why to attach anew, at most once a second; null: there is no reason. `gone`: what was taken away. `flushed`: all that the former log holds is
   * durable.
   */
  async look(gone: ReturnType<LiveDatabase['moved']>, flushed: () => Promise<boolean>): Promise<DrError | null> {
    const { clock, deserted } = this.#world
    const { path, otherLog, logFiles } = this.#database
    // With the former -shm, whoever opens the database believes it, and a log that is not its own is none that could be followed.
    if (!gone.includes('shm') || gone.includes('database')) return null
    const walGone = gone.includes('wal')
    // Before anything stands in the other log, a recovery finds more in the former one, which we still have.
    if ((walGone && !otherLog()) || clock.monotonicMs() < this.#nextLookMs) return null
    this.#nextLookMs = clock.monotonicMs() + lookMs
    const { wal, shm } = logFiles()
    // In this order: nobody is left who could commit to it after it was read.
    if (!(await deserted([...(walGone ? [wal] : []), shm].filter((file) => file !== null)))) return null
    if (walGone) {
      if (!(await flushed())) return null
      const { frames, backfilled, header } = findLogEnd(this.#database.locks, this.#database.bytes)
      if (header !== null && backfilled < frames) this.#left = { ...header, backfilled }
    }
    return new DrError('DATABASE_MOVED', {
      what: `nobody has the former ${walGone ? 'log' : '-shm'} of ${path} open any more, which was taken away while it was in use`,
      untouched: walGone
        ? 'All that was committed to it is in the replica.'
        : 'The log is the same, and what stands in it is read by the new attach.',
      next: 'The capture attaches anew by itself, and says what the file lacks.',
    })
  }
}
