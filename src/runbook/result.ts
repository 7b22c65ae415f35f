/** The result of a run, as the contract has it. Pure: a function of what the journal holds and of what was measured. */
import { errorTable, isErrorCode } from '../errors.ts'
import { isoTime } from '../units.ts'
import type { Outcome, StepError } from '../workflow/record.ts'
import type { RunState, StepState } from '../workflow/run-state.ts'
import type { CheckResult } from './check-result.ts'
import type { RunFacts } from './run-facts.ts'
import type { Mode, Runbook } from './runbook.ts'

export interface StepReport {
  readonly name: string
  readonly phase: string
  readonly outcome: Outcome
  readonly because: string
  readonly startedAt: string
  readonly durationMs: number
  readonly attempts: number
  readonly evidence: unknown
  /** What it threw, null when it ended by itself. */
  readonly error: StepError | null
}

export interface RunResult {
  readonly runId: string
  readonly scenario: string
  readonly mode: Mode
  readonly success: boolean
  /** The headline: "recovered; not proven: exchange". */
  readonly because: string
  readonly notProven: readonly string[]
  readonly startedAt: string
  readonly endedAt: string
  /** From detection until every configured check had passed and trading had resumed; null when that did not happen, or the clock was set back. */
  readonly recoveryTimeMs: number | null
  readonly recoveryTimeMinutes: number | null
  readonly rtoTargetMinutes: number
  readonly rtoMet: boolean | null
  readonly dataLossMs: number | null
  readonly dataLossMinutes: number | null
  readonly lostTransactions: number | null
  readonly lostOrders: readonly string[] | null
  readonly rpoTargetMinutes: number
  readonly rpoMet: boolean | null
  readonly steps: readonly StepReport[]
  readonly validation: readonly CheckResult[]
  readonly seed?: number
  readonly faults?: readonly string[]
  readonly teardown?: { readonly clean: boolean; readonly left: readonly string[] }
}

/** Loss as measured: by the replica's own counts live, by the writer's witness in a drill. */
export interface Loss {
  readonly lostTransactions: number | null
  readonly dataLossMs: number | null
  readonly lostOrders: readonly string[] | null
}

export function lossOf(facts: Partial<RunFacts>): Loss {
  const { measured, chosen, restored } = facts
  if (measured !== undefined) return measured
  // What was chosen and not restored is a plan, and loses nothing yet.
  if (restored === undefined) return { lostTransactions: null, dataLossMs: null, lostOrders: null }
  return { lostTransactions: chosen?.lostTransactions ?? null, dataLossMs: chosen?.dataLossMs ?? null, lostOrders: null }
}

export interface RunEnd {
  readonly runbook: Runbook
  readonly state: RunState
  readonly facts: Partial<RunFacts>
  readonly mode: Mode
  /** Why the run ended early, null when every step ended well. */
  readonly failure: string | null
  /** ms since the epoch. */
  readonly endedAtMs: number
}

export function resultOf({ runbook, state, facts, mode, failure, endedAtMs }: RunEnd): RunResult {
  const loss = lossOf(facts)
  const unknownLoss = facts.restored !== undefined && loss.lostTransactions === null ? ['what was lost'] : []
  const notProven = [...new Set([...state.steps.flatMap((one) => one.notProven), ...unknownLoss])]
  const checks = facts.validation ?? []
  const skipped = state.steps.find((one) => one.byPerson && one.outcome === 'skipped' && !isOptional(runbook, one.step))
  const why = failure ?? (skipped === undefined ? null : `${skipped.step} was ${skipped.because}`)
  const success = why === null && !checks.some((one) => one.outcome === 'fail')
  // A clock that went back measures nothing.
  const recoveryTimeMs = success && endedAtMs >= state.detectedAtMs ? endedAtMs - state.detectedAtMs : null
  return {
    runId: state.runId,
    scenario: state.scenario,
    mode,
    success,
    because: headline(success, why, notProven),
    notProven,
    startedAt: isoTime(state.startedAtMs),
    endedAt: isoTime(endedAtMs),
    recoveryTimeMs,
    recoveryTimeMinutes: inMinutes(recoveryTimeMs),
    rtoTargetMinutes: runbook.rto / 60_000,
    rtoMet: recoveryTimeMs === null ? null : recoveryTimeMs <= runbook.rto,
    dataLossMs: loss.dataLossMs,
    dataLossMinutes: inMinutes(loss.dataLossMs),
    lostTransactions: loss.lostTransactions,
    lostOrders: loss.lostOrders,
    rpoTargetMinutes: runbook.rpo / 60_000,
    rpoMet: loss.dataLossMs === null ? null : loss.dataLossMs <= runbook.rpo,
    steps: state.steps.map((step) => reportOf(runbook, step)),
    validation: checks,
  }
}

/** Without any other step a recovery is none, whoever left it out. */
function isOptional(runbook: Runbook, name: string): boolean {
  return runbook.steps.find((one) => one.name === name)?.optional === true
}

function headline(success: boolean, failure: string | null, notProven: readonly string[]): string {
  if (!success) return `not recovered: ${failure ?? 'a check failed'}`
  return notProven.length === 0 ? 'recovered' : `recovered; not proven: ${notProven.join(', ')}`
}

function reportOf(runbook: Runbook, step: StepState): StepReport {
  return {
    name: step.step,
    phase: runbook.steps.find((one) => one.name === step.step)?.phase ?? '',
    outcome: step.outcome ?? 'unknown',
    because: step.because,
    startedAt: isoTime(step.startedAtMs),
    durationMs: step.durationMs,
    attempts: step.attempts,
    evidence: step.evidence,
    error: step.error,
  }
}

function inMinutes(ms: number | null): number | null {
  return ms === null ? null : Math.round((ms / 60_000) * 1000) / 1000
}

/**
 * 0 recovered within its targets, 5 recovered but a target missed, 2 or 4 refused before anything was done, 3 unknown, 1 otherwise.
 * A refusal counts as one only at the first step, or in a dry run: later, something was done.
 */
export function exitOf({ success, mode, rtoMet, rpoMet, steps }: RunResult): 0 | 1 | 2 | 3 | 4 | 5 {
  if (success) return rtoMet === false || rpoMet === false ? 5 : 0
  const failed = steps.filter((step) => step.outcome === 'unknown' || step.outcome === 'failed')
  const exit = exitOfError(failed[0]?.error ?? null)
  if ((mode === 'dry-run' || steps.length === 1) && (exit === 2 || exit === 4)) return exit
  return (mode === 'dry-run' ? failed : steps.slice(-1)).some((step) => step.outcome === 'unknown') ? 3 : 1
}

/** The exit status that the error of a step stands for, null when it ended without one. */
function exitOfError(error: StepError | null): number | null {
  return error !== null && isErrorCode(error.code) ? errorTable[error.code].exit : null
}
