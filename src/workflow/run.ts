/**
 * The engine: steps one after the other, each announced in the journal before it acts.
 * If we die before an announcement is durable: the step did not begin. After it: the step may have acted, and the next life acts again,
 * which each step's `effect` says is safe. After its outcome: it is not run again, unless it says that its outcome does not hold any more.
 */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import type { Journal, JournalWorld } from './journal.ts'
import { planDifference } from './plan-difference.ts'
import type { JsonObject, Outcome, PlannedStep, StepError } from './record.ts'
import { evidenceOf, isSettled, type RunState, type StepState } from './run-state.ts'

export interface WorkflowStep extends PlannedStep {
  /** Its failure is recorded, and the run goes on. */
  readonly optional: boolean
  /** Asked of what a process before this one settled: true when that does not hold any more, so that the step acts again. */
  expired?(evidence: JsonObject): Promise<boolean>
  act(scope: StepScope): Promise<StepOutcome>
}

export interface StepScope {
  /** What the steps before found out. */
  readonly evidence: JsonObject
  /** It began before, and its end is not known. */
  readonly interrupted: boolean
  readonly progress: (text: string) => void
}

export interface StepOutcome {
  readonly outcome: Outcome
  readonly because: string
  readonly evidence: JsonObject
  readonly notProven?: readonly string[]
}

/** How a step ended, whoever ended it. */
interface Ended extends StepOutcome {
  readonly error: StepError | null
  readonly byPerson: boolean
}

export type RunEvent =
  | { readonly type: 'run-started' | 'run-resumed'; readonly runId: string; readonly scenario: string; readonly steps: readonly string[] }
  | { readonly type: 'step-began'; readonly step: string; readonly elapsedMs: number }
  | { readonly type: 'step-progress'; readonly step: string; readonly text: string; readonly elapsedMs: number }
  | {
      readonly type: 'step-ended'
      readonly step: string
      readonly outcome: Outcome
      readonly because: string
      readonly durationMs: number
      readonly elapsedMs: number
    }
  | { readonly type: 'run-ended'; readonly state: 'done' | 'failed' | 'paused'; readonly because: string; readonly elapsedMs: number }

export type Approval = { readonly do: 'run' } | { readonly do: 'skip' | 'abort'; readonly because: string }

export interface RunRequest {
  readonly world: JournalWorld
  readonly journal: Journal
  readonly steps: readonly WorkflowStep[]
  /** The command line that goes on with this run. */
  readonly command: string
  readonly approve: (step: string) => Promise<Approval>
  readonly onEvent: (event: RunEvent) => void
  readonly signal: AbortSignal
  /** What is kept as the result of the run, from its state before the end is recorded. */
  readonly conclude: (
    state: RunState,
    failure: string | null,
  ) => { readonly success: boolean; readonly because: string; readonly result: JsonObject }
}

/**
 * 'paused' when the signal ended it between two steps: then it can be gone on with.
 * @throws RUN_PLAN_CHANGED; DISK_FULL or IO_FAILED when the journal cannot be written (the step that was due did not begin)
 */
export async function runWorkflow(request: RunRequest): Promise<'done' | 'failed' | 'paused'> {
  const { world, journal, steps, onEvent, signal } = request
  requireSamePlan(journal.begun, request)
  const elapsed = (): number => Math.max(0, world.clock.wallMs() - journal.begun.detectedAtMs)
  let failure: string | null = null
  for (const step of steps) {
    const former = journal.begun.steps.find((one) => one.step === step.name)
    if (step.optional && former?.outcome === 'failed') continue
    // Each step is met once in a life of the process, so whatever is settled was settled by one before.
    if (former !== undefined && isSettled(former) && !(await isExpired(step, former, journal.begun))) continue
    // Whoever is asked may interrupt instead of answering.
    const approval: Approval = signal.aborted ? { do: 'run' } : await request.approve(step.name)
    if (signal.aborted) {
      onEvent({ type: 'run-ended', state: 'paused', because: `interrupted before ${step.name}`, elapsedMs: elapsed() })
      return 'paused'
    }
    const outcome = await oneStep(request, step, former, approval, elapsed)
    if (outcome.outcome === 'done' || outcome.outcome === 'skipped' || step.optional) continue
    failure = `${step.name}: ${outcome.because}`
    break
  }
  const { success, because, result } = request.conclude(journal.begun, failure)
  const state = success ? 'done' : 'failed'
  await journal.append({ type: 'run-ended', state, because, result })
  onEvent({ type: 'run-ended', state, because, elapsedMs: elapsed() })
  return state
}

async function oneStep(
  request: RunRequest,
  step: WorkflowStep,
  former: StepState | undefined,
  approval: Approval,
  elapsed: () => number,
): Promise<Ended> {
  const { world, journal, onEvent } = request
  const attempt = (former?.attempts ?? 0) + 1
  await journal.append({ type: 'step-began', step: step.name, attempt })
  onEvent({ type: 'step-began', step: step.name, elapsedMs: elapsed() })
  const began = world.clock.monotonicMs()
  const progress = (text: string): void => onEvent({ type: 'step-progress', step: step.name, text, elapsedMs: elapsed() })
  const scope = { evidence: evidenceOf(journal.begun), interrupted: former !== undefined && former.outcome === null, progress }
  const outcome = approval.do === 'run' ? await acted(step, scope) : decided(step, approval)
  const durationMs = world.clock.monotonicMs() - began
  await noted(step.name, outcome, () =>
    journal.append({
      type: 'step-ended',
      step: step.name,
      attempt,
      outcome: outcome.outcome,
      because: outcome.because,
      notProven: outcome.notProven ?? [],
      durationMs: Math.round(durationMs * 1000) / 1000,
      evidence: outcome.evidence,
      error: outcome.error,
      byPerson: outcome.byPerson,
    }),
  )
  onEvent({ type: 'step-ended', step: step.name, outcome: outcome.outcome, because: outcome.because, durationMs, elapsedMs: elapsed() })
  return outcome
}

/** What cannot be noted any more was done all the same: the next life does the step again, as its `effect` allows. */
async function noted(step: string, { outcome, because }: Ended, append: () => Promise<void>): Promise<void> {
  try {
    await append()
  } catch (error) {
    if (!isDrError(error)) throw error
    throw new DrError(error.code, {
      what: error.message,
      untouched: `The step ${step} has ended (${outcome}: ${because}), and only that could not be noted.`,
      next: 'Mend that, then give the same command again: it does this step once more, finds what is done, and goes on.',
      cause: error,
    })
  }
}

/** What a person decided stays decided. */
async function isExpired(step: WorkflowStep, { byPerson }: StepState, state: RunState): Promise<boolean> {
  return !byPerson && step.expired !== undefined && (await step.expired(evidenceOf(state)))
}

/** What was skipped proves nothing, and the run says so. */
function decided({ name }: WorkflowStep, approval: Exclude<Approval, { readonly do: 'run' }>): Ended {
  const common = { evidence: {}, error: null, byPerson: true }
  if (approval.do === 'abort') return { ...common, outcome: 'failed', because: `aborted by a person: ${approval.because}` }
  const because = `skipped by a person: ${approval.because}`
  return { ...common, outcome: 'skipped', because, notProven: [`${name} (skipped by a person)`] }
}

/** What a step throws is its outcome; only a bug of ours goes on as what it is, in the words of the bug. */
async function acted(step: WorkflowStep, scope: StepScope): Promise<Ended> {
  try {
    return { ...(await step.act(scope)), error: null, byPerson: false }
  } catch (thrown) {
    const common = { evidence: {}, byPerson: false }
    if (!isDrError(thrown)) return { ...common, outcome: 'failed', because: `a bug in genesis-dr: ${sentenceOf(thrown)}`, error: null }
    const { code, message: what, untouched, next } = thrown
    const outcome = thrown.exit === 3 ? 'unknown' : 'failed'
    return { ...common, outcome, because: `${what}. ${untouched} Next: ${next}`, error: { code, what, untouched, next } }
  }
}

function requireSamePlan({ runId, plan }: RunState, { steps, command }: Pick<RunRequest, 'steps' | 'command'>): void {
  const difference = planDifference(plan, steps)
  if (difference === null) return
  throw new DrError('RUN_PLAN_CHANGED', {
    what: `run ${runId} began with another runbook: ${difference}`,
    untouched: 'No step was begun.',
    next: `Finish it with the version of genesis-dr that began it: ${command}`,
  })
}
