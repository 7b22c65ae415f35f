/** Runs by their journals. Whoever asks for more than a look holds the lock over runs. */
import { isDrError } from '../errors.ts'
import { type JournalWorld, readRun } from './journal.ts'
import type { RunState } from './run-state.ts'

type Journals = Pick<JournalWorld, 'store' | 'hash'>

/** null: there is none, or its journal is damaged. */
export async function newestRun(world: Journals): Promise<RunState | null> {
  const runId = (await world.store.list()).at(-1)
  return runId === undefined ? null : readableRun(world, runId)
}

/**
 * The newest run that did not end, of whom nobody executes any (whoever asks holds the lock). All are looked at, because a clock that was
 * set back gives a later run an earlier id. One whose journal is damaged cannot be gone on with; `runs` shows it as stuck.
 */
export function lastInterrupted(world: Journals): Promise<RunState | null> {
  return lastWhere(world, ({ end }) => end === null)
}

/** The newest that it holds of, as far as the clock tells which is. */
export async function lastWhere(world: Journals, holds: (run: RunState) => boolean): Promise<RunState | null> {
  for (const runId of (await world.store.list()).toReversed()) {
    const state = await readableRun(world, runId)
    if (state !== null && holds(state)) return state
  }
  return null
}

export async function readableRun(world: Journals, runId: string): Promise<RunState | null> {
  try {
    return await readRun(world, runId)
  } catch (error) {
    if (isDrError(error, 'JOURNAL_DAMAGED')) return null
    throw error
  }
}
