/**
 * Runs a runbook through the engine: one run at a time, gone on with when its process died, or looked through without acting.
 * The engine knows nothing of databases, and the steps know nothing of journals; here they meet.
 */
import { DrError, isDrError } from '../errors.ts'
import type { Random } from '../ports/random.ts'
import { isoTime } from '../units.ts'
import { Journal, type JournalWorld, readRun } from '../workflow/journal.ts'
import type { JsonObject, PlannedStep } from '../workflow/record.ts'
import { type Approval, type RunEvent, runWorkflow, type WorkflowStep } from '../workflow/run.ts'
import { evidenceOf, type RunState } from '../workflow/run-state.ts'
import { type RunResult, resultOf } from './result.ts'
import type { RunFacts } from './run-facts.ts'
import type { Mode, Runbook, RunbookPorts, RunSettings, Scope, Step } from './runbook.ts'
import { recoverCommand, recoverScenario } from './scenarios/recover.ts'

export interface ExecuteWorld {
  readonly journal: JournalWorld
  readonly ports: RunbookPorts
  readonly random: Random
  readonly settings: (runId: string) => RunSettings
  readonly pid: number
}

export interface ExecuteRequest {
  readonly runbook: Runbook
  readonly mode: 'live' | 'drill'
  /** When the fault was noticed (drill: put in): ms since the epoch. */
  readonly detectedAtMs: number
  readonly detectedBecause: string
  readonly approve: (step: Step) => Promise<Approval>
  readonly onEvent: (event: RunEvent) => void
  readonly signal: AbortSignal
}

/** 'paused': a person interrupted it between two steps; the same command goes on with it. */
export type ExecuteOutcome =
  | { readonly ended: 'done' | 'failed'; readonly result: RunResult }
  | { readonly ended: 'paused'; readonly runId: string }

/** @throws RUN_ACTIVE when another process runs, or another scenario was interrupted; RUN_PLAN_CHANGED, JOURNAL_NEWER, DISK_FULL */
export async function execute(world: ExecuteWorld, request: ExecuteRequest): Promise<ExecuteOutcome> {
  const lock = await takeLock(world.journal)
  if (lock === null) {
    throw new DrError('RUN_ACTIVE', {
      what: 'another process is executing a runbook on this system',
      untouched: 'Nothing was done by this command; that run goes on.',
      next: 'Watch it with: genesis-dr runs',
    })
  }
  try {
    return await executeLocked(world, request)
  } finally {
    await lock.release()
  }
}

/** Chosen: whoever only looks holds the lock for an instant; 1 s is far longer. */
async function takeLock({ store, clock }: JournalWorld) {
  const deadline = clock.monotonicMs() + 1000
  for (;;) {
    const lock = await store.lock()
    if (lock !== null || clock.monotonicMs() > deadline) return lock
    await clock.sleep(50)
  }
}

async function executeLocked(world: ExecuteWorld, request: ExecuteRequest): Promise<ExecuteOutcome> {
  const { runbook, mode, onEvent } = request
  const interrupted = await lastInterrupted(world.journal)
  if (interrupted !== null && interrupted.scenario !== runbook.scenario) {
    throw new DrError('RUN_ACTIVE', {
      what: `run ${interrupted.runId} of ${interrupted.scenario} was interrupted and is not finished`,
      untouched: 'Nothing was done by this command.',
      next: `Finish it first: ${commandFor(interrupted)}`,
    })
  }
  const runId = interrupted?.runId ?? newRunId(world)
  const journal = await Journal.open(world.journal, runId)
  if (interrupted === null) {
    await journal.append({
      type: 'run-started',
      scenario: runbook.scenario,
      mode,
      system: world.settings(runId).system,
      options: runbook.options,
      plan: planOf(world, runbook),
      detectedAtMs: request.detectedAtMs,
      detectedBecause: request.detectedBecause,
    })
  } else await journal.append({ type: 'resumed', pid: world.pid })
  onEvent({
    type: interrupted === null ? 'run-started' : 'run-resumed',
    runId,
    scenario: runbook.scenario,
    steps: runbook.steps.map((step) => step.name),
  })
  const keep: { result: RunResult | null } = { result: null }
  const ended = await runWorkflow({
    world: world.journal,
    journal,
    steps: runbook.steps.map((step) => workflowStep(world, runbook, step, runId, mode)),
    approve: (name) => approveStep(request, name),
    onEvent,
    signal: request.signal,
    conclude: (state, failure) => {
      const result = resultOf({ runbook, state, facts: factsOf(state), mode, failure, endedAtMs: world.journal.clock.wallMs() })
      keep.result = result
      return { success: result.success, because: result.because, result: asJson(result) }
    },
  })
  if (ended === 'paused' || keep.result === null) return { ended: 'paused', runId }
  return { ended, result: keep.result }
}

async function approveStep({ runbook, approve }: ExecuteRequest, name: string): Promise<Approval> {
  const step = runbook.steps.find((one) => one.name === name)
  return step === undefined ? { do: 'run' } : approve(step)
}

function workflowStep(world: ExecuteWorld, runbook: Runbook, step: Step, runId: string, mode: Mode): WorkflowStep {
  return {
    ...planned(world, step),
    optional: step.optional === true,
    act: async ({ evidence, interrupted, progress }) => {
      const scope: Scope = {
        runId,
        scenario: runbook.scenario,
        mode,
        settings: world.settings(runId),
        facts: evidence as Partial<RunFacts>,
        interrupted,
        progress,
      }
      const result = await step.act(world.ports, scope)
      return { ...result, evidence: asJson(result.evidence) }
    },
  }
}

/**
 * The newest run that did not end, of whom nobody executes any (whoever asks holds the lock). All are looked at, because a clock that was
 * set back gives a later run an earlier id. One whose journal is damaged cannot be gone on with; `runs` shows it as stuck.
 */
export async function lastInterrupted(world: JournalWorld): Promise<RunState | null> {
  for (const runId of (await world.store.list()).toReversed()) {
    const state = await readableRun(world, runId)
    if (state !== null && state.end === null) return state
  }
  return null
}

async function readableRun(world: JournalWorld, runId: string): Promise<RunState | null> {
  try {
    return await readRun(world, runId)
  } catch (error) {
    if (isDrError(error, 'JOURNAL_DAMAGED')) return null
    throw error
  }
}

export function factsOf(state: RunState): Partial<RunFacts> {
  // Every part was put there by a step of ours, typed as this, and came back through the hash chain.
  return evidenceOf(state) as Partial<RunFacts>
}

/** `YYYYMMDD-HHMMSS-mmmxx`, milliseconds and chance at the end: sorts by time. */
export function newRunId({ journal, random }: Pick<ExecuteWorld, 'journal' | 'random'>): string {
  const time = isoTime(journal.clock.wallMs())
  return `${time.slice(0, 10).replaceAll('-', '')}-${time.slice(11, 19).replaceAll(':', '')}-${time.slice(20, 23)}${random.hex(1)}`
}

export function planOf(world: Pick<ExecuteWorld, 'journal'>, { steps }: Pick<Runbook, 'steps'>): readonly PlannedStep[] {
  return steps.map((step) => planned(world, step))
}

/** By its words and what it touches: whoever changes what a step does says so there. */
function planned({ journal }: Pick<ExecuteWorld, 'journal'>, { name, does, effect, needs }: Step): PlannedStep {
  return { name, hash: journal.hash.sha256(JSON.stringify({ name, does, effect: effect.kind, needs })) }
}

function asJson(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}

function commandFor({ scenario, options }: RunState): string {
  return scenario === recoverScenario ? recoverCommand(options) : `genesis-dr execute --scenario ${scenario}`
}
