/** Where a run stands: a fold over its records. Pure. */
import type { JournalRecord, JsonObject, Outcome, PlannedStep, RunPlace, StepError } from './record.ts'

export interface StepState {
  readonly step: string
  readonly attempts: number
  /** null: it began, and its end is not known. */
  readonly outcome: Outcome | null
  readonly because: string
  readonly notProven: readonly string[]
  readonly startedAtMs: number
  readonly durationMs: number
  readonly evidence: JsonObject
  /** What it threw; null when it ended by itself, or has not. */
  readonly error: StepError | null
  /** A person skipped it, or ended the run at it. */
  readonly byPerson: boolean
}

export interface RunState {
  readonly runId: string
  readonly scenario: string
  readonly mode: string
  readonly system: string
  readonly options: JsonObject
  /** null: its journal does not say. */
  readonly place: RunPlace | null
  /** What was known when it began. */
  readonly facts: JsonObject
  readonly plan: readonly PlannedStep[]
  readonly detectedAtMs: number
  readonly detectedBecause: string
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  /** In the order in which they began first. */
  readonly steps: readonly StepState[]
  /** null while it has not ended. */
  readonly end: { readonly state: 'done' | 'failed'; readonly because: string; readonly result: JsonObject } | null
}

/** null when the run never durably began. */
export function foldRun(records: readonly JournalRecord[]): RunState | null {
  return records.reduce<RunState | null>(applyRecord, null)
}

export function applyRecord(state: RunState | null, record: JournalRecord): RunState | null {
  if (record.type === 'run-started') {
    const { scenario, mode, system, options, plan, detectedAtMs, detectedBecause } = record
    return {
      runId: record.run,
      scenario,
      mode,
      system,
      options,
      place: record.place ?? null,
      facts: record.facts ?? {},
      plan,
      detectedAtMs,
      detectedBecause,
      startedAtMs: record.atMs,
      endedAtMs: null,
      steps: [],
      end: null,
    }
  }
  if (state === null) return null
  switch (record.type) {
    case 'resumed':
      return state
    case 'step-began': {
      const former = state.steps.find((one) => one.step === record.step)
      const began: StepState = {
        step: record.step,
        attempts: record.attempt,
        outcome: null,
        because: 'it began, and its end is not known',
        notProven: [],
        startedAtMs: former?.startedAtMs ?? record.atMs,
        durationMs: 0,
        evidence: {},
        error: null,
        byPerson: false,
      }
      return { ...state, steps: put(state.steps, began) }
    }
    case 'step-ended': {
      const former = state.steps.find((one) => one.step === record.step)
      const { step, attempt: attempts, outcome, because, notProven, durationMs, evidence, error, byPerson } = record
      const startedAtMs = former?.startedAtMs ?? record.atMs
      const ended = { step, attempts, outcome, because, notProven, startedAtMs, durationMs, evidence, error, byPerson }
      return { ...state, steps: put(state.steps, ended) }
    }
    case 'run-ended':
      return { ...state, endedAtMs: record.atMs, end: { state: record.state, because: record.because, result: record.result } }
  }
}

function put(steps: readonly StepState[], step: StepState): readonly StepState[] {
  return steps.some((one) => one.step === step.step) ? steps.map((one) => (one.step === step.step ? step : one)) : [...steps, step]
}

/** What was known when it began, and what all ended steps found out, later ones over earlier ones. */
export function evidenceOf(state: RunState): JsonObject {
  return Object.assign({}, state.facts, ...state.steps.map((one) => one.evidence))
}

export function isSettled(step: StepState | undefined): boolean {
  return step?.outcome === 'done' || step?.outcome === 'skipped'
}
