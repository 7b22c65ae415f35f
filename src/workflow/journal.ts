/** One run's journal as it grows: every record is durable before anything that it announces is done. */
import { DrError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Hash } from '../ports/hash.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import { decodeJournal, encodeRecord, type JournalRecord, journalVersion, type RecordBody } from './record.ts'
import { applyRecord, foldRun, type RunState } from './run-state.ts'

export interface JournalWorld {
  readonly store: JournalStore
  readonly hash: Hash
  readonly clock: Clock
  readonly host: string
}

/** null when there is no such run, or it never durably began. @throws JOURNAL_DAMAGED, JOURNAL_NEWER */
export async function readRun(world: Pick<JournalWorld, 'store' | 'hash'>, runId: string): Promise<RunState | null> {
  const bytes = await world.store.read(runId)
  return bytes === null ? null : foldRun(decodeJournal(world.hash, runId, bytes).records)
}

export class Journal {
  readonly #world: JournalWorld
  readonly #runId: string
  #last: JournalRecord | null
  #state: RunState | null

  private constructor(world: JournalWorld, runId: string, records: readonly JournalRecord[]) {
    this.#world = world
    this.#runId = runId
    this.#last = records.at(-1) ?? null
    this.#state = foldRun(records)
  }

  /** Cuts a torn tail. @throws JOURNAL_DAMAGED, JOURNAL_NEWER */
  static async open(world: JournalWorld, runId: string): Promise<Journal> {
    const bytes = await world.store.read(runId)
    if (bytes === null) return new Journal(world, runId, [])
    const { records, soundBytes } = decodeJournal(world.hash, runId, bytes)
    if (soundBytes < bytes.length) await world.store.truncate(runId, soundBytes)
    return new Journal(world, runId, records)
  }

  get state(): RunState | null {
    return this.#state
  }

  /** Durable when resolved. @throws DISK_FULL, IO_FAILED: then what it announces must not be done */
  async append(body: RecordBody): Promise<void> {
    const { hash, host, clock, store } = this.#world
    const head = {
      v: journalVersion,
      seq: (this.#last?.seq ?? -1) + 1,
      run: this.#runId,
      epoch: 0,
      host,
      atMs: clock.wallMs(),
      prev: this.#last?.hash ?? '',
    }
    const { record, bytes } = encodeRecord(hash, head, body)
    await store.append(this.#runId, bytes)
    this.#last = record
    this.#state = applyRecord(this.#state, record)
  }

  /** The state, once the run has begun. @throws RUN_UNKNOWN before */
  get begun(): RunState {
    if (this.#state !== null) return this.#state
    throw new DrError('RUN_UNKNOWN', {
      what: `run ${this.#runId} never began`,
      untouched: 'Nothing was done.',
      next: 'Look at: genesis-dr runs',
    })
  }
}
