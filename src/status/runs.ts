/** The runs of a system, from their journals. Reads only. */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import { type RunResult, resultOf, type StepReport } from '../runbook/result.ts'
import { factsOf } from '../runbook/run-facts.ts'
import type { Runbook } from '../runbook/runbook.ts'
import { runbookOf } from '../runbook/scenarios/runbook-of.ts'
import { isoTime } from '../units.ts'
import { type JournalWorld, readRun } from '../workflow/journal.ts'
import type { JsonObject } from '../workflow/record.ts'
import type { RunState } from '../workflow/run-state.ts'

export interface RunSummary {
  readonly runId: string
  readonly scenario: string
  readonly mode: string
  readonly state: 'running' | 'interrupted' | 'done' | 'failed' | 'stuck'
  /** The step that is, or was, the last. */
  readonly step: string | null
  readonly startedAt: string
  readonly endedAt: string | null
  readonly because: string
}

export interface RunDetail extends RunSummary {
  readonly detectedBecause: string
  /** What a person asked for, where the runbook was made for that. */
  readonly options: JsonObject
  readonly steps: readonly StepReport[]
  /** null while the run has not ended. */
  readonly result: RunResult | null
}

type Journals = Pick<JournalWorld, 'store' | 'hash'>

/** Oldest first. A journal that is damaged is shown as stuck, with why. */
export async function listRuns(world: Journals): Promise<readonly RunSummary[]> {
  const ids = await world.store.list()
  const active = ids.length > 0 && (await isActive(world))
  const runs: RunSummary[] = []
  let running = false
  // Newest first: of those that did not end, the newest is the one that is executed.
  for (const runId of ids.toReversed()) {
    const summary = await summaryOf(world, runId, active && !running)
    running ||= summary?.state === 'running'
    if (summary !== null) runs.unshift(summary)
  }
  return runs
}

/** The run that matters: one that did not end, or else the newest. */
export function lastRun(runs: readonly RunSummary[]): RunSummary | null {
  return runs.findLast((one) => one.endedAt === null && one.state !== 'stuck') ?? runs.at(-1) ?? null
}

/** @throws RUN_UNKNOWN, JOURNAL_DAMAGED, JOURNAL_NEWER */
export async function stateOfRun(world: Journals, runId: string): Promise<RunState> {
  const known = await world.store.list()
  const state = known.includes(runId) ? await readRun(world, runId) : null
  if (state !== null) return state
  throw new DrError('RUN_UNKNOWN', {
    what: `there is no run ${runId}`,
    untouched: 'Nothing was done.',
    next: known.length === 0 ? 'No run was ever begun here.' : `The newest one is ${known.at(-1)}; all of them: genesis-dr runs`,
  })
}

/** @throws RUN_UNKNOWN, JOURNAL_DAMAGED, JOURNAL_NEWER */
export async function showRun(world: Journals, runId: string, nowMs: number): Promise<RunDetail> {
  const state = await stateOfRun(world, runId)
  const summary = (await listRuns(world)).find((one) => one.runId === runId) ?? summarize(state, false)
  const { end, options, detectedBecause } = state
  const mode = state.mode === 'drill' ? 'drill' : 'live'
  const facts = factsOf(state)
  const runbook = runbookOfRun(state)
  const result = resultOf({
    runbook,
    state,
    facts,
    mode,
    failure: end?.state === 'failed' ? end.because : null,
    endedAtMs: state.endedAtMs ?? nowMs,
  })
  // How it ended was concluded then, and is not judged again by the rules of this version.
  const concluded = end === null ? null : { ...result, because: end.because }
  return { ...summary, detectedBecause, options, steps: result.steps, result: concluded }
}

/** The runbook that a run followed, made again from what its journal says was asked for. @throws RUN_UNKNOWN */
function runbookOfRun({ runId, scenario, options }: RunState): Runbook {
  const found = runbookOf(scenario, options)
  if (found !== null) return found
  throw new DrError('RUN_UNKNOWN', {
    what: `run ${runId} is of the scenario ${scenario}, which this version does not know`,
    untouched: 'Nothing was done.',
    next: 'Show it with the version of genesis-dr that began it.',
  })
}

async function summaryOf(world: Journals, runId: string, active: boolean): Promise<RunSummary | null> {
  try {
    const state = await readRun(world, runId)
    return state === null ? null : summarize(state, active)
  } catch (error) {
    if (!isDrError(error)) throw error
    const unknown = { scenario: 'unknown', mode: 'unknown', step: null, startedAt: 'unknown', endedAt: null }
    return { runId, ...unknown, state: 'stuck', because: sentenceOf(error) }
  }
}

export function summarize(state: RunState, active: boolean): RunSummary {
  const last = state.steps.at(-1)
  return {
    runId: state.runId,
    scenario: state.scenario,
    mode: state.mode,
    state: state.end?.state ?? (active ? 'running' : 'interrupted'),
    step: last?.step ?? null,
    startedAt: isoTime(state.startedAtMs),
    endedAt: state.endedAtMs === null ? null : isoTime(state.endedAtMs),
    because:
      state.end?.because ??
      (active ? 'it is being executed' : `its process ended at ${last?.step ?? 'its beginning'}; the same command goes on with it`),
  }
}

/** Somebody holds the lock over runs. Taken and given back at once when nobody does. */
async function isActive({ store }: Journals): Promise<boolean> {
  const lock = await store.lock()
  if (lock === null) return true
  await lock.release()
  return false
}
