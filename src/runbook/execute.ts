/**
 * Runs a runbook through the engine: one run at a time, gone on with when its process died, or looked through without acting.
 * The engine knows nothing of databases, and the steps know nothing of journals; here they meet.
 */
import { DrError, type ErrorText, isDrError } from '../errors.ts'
import type { Random } from '../ports/random.ts'
import { isoTime } from '../units.ts'
import { lastInterrupted, newestRun } from '../workflow/find-runs.ts'
import { Journal, type JournalWorld } from '../workflow/journal.ts'
import type { PlannedStep, RunPlace } from '../workflow/record.ts'
import { type Approval, type RunEvent, runWorkflow, type StepScope, type WorkflowStep } from '../workflow/run.ts'
import type { RunState } from '../workflow/run-state.ts'
import { type RunResult, resultOf } from './result.ts'
import { asJson, factsIn, factsOf } from './run-facts.ts'
import type { Mode, Runbook, RunbookPorts, RunSettings, Scope, Step } from './runbook.ts'
import { commandOf } from './scenarios/runbook-of.ts'

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
export function execute(world: ExecuteWorld, request: ExecuteRequest): Promise<ExecuteOutcome> {
  return withRunLock(world.journal, (run) => executeLocked(world, request, run), botRunsOn(world))
}

/** What a person who wanted the bot stopped must know, when not even a journal can be written. */
function botRunsOn({ ports }: ExecuteWorld): Pick<ErrorText, 'untouched' | 'next'> {
  const by = ports.service === null ? 'by hand' : `by its service manager (${ports.service.description})`
  return {
    untouched: 'Nothing was done by this command: the bot was NOT stopped.',
    next: `Stop the bot ${by}, free space on the file system of the state folder or mend what is wrong with it, then repeat.`,
  }
}

/** Between setting aside and putting in place an error says where the database is, whatever it is about. */
function withPlace(error: unknown, { facts: { evidence, restored }, settings }: Scope): unknown {
  if (!isDrError(error) || evidence === undefined || evidence.files.length === 0 || restored !== undefined) return error
  const untouched = `${error.untouched} The database as it was is in ${evidence.folder}, and nothing is put in its place at ${settings.database}.`
  return new DrError(error.code, { what: error.message, untouched, next: error.next, cause: error })
}

/**
 * Nobody else begins a run while `work` does. `onDisk`: what is said where the lock cannot be written down.
 * @throws RUN_ACTIVE when another process holds the lock, or gave it back because its run ended while we waited
 */
export async function withRunLock<T>(
  world: JournalWorld,
  work: (onDisk: <R>(write: Promise<R>) => Promise<R>) => Promise<T>,
  onDisk: Pick<ErrorText, 'untouched' | 'next'> | null = null,
): Promise<T> {
  const guarded = async <R>(write: Promise<R>): Promise<R> => {
    try {
      return await write
    } catch (error) {
      if (onDisk === null || !isDrError(error, 'DISK_FULL', 'IO_FAILED', 'DATABASE_READ_ONLY')) throw error
      throw new DrError(error.code, { what: error.message, ...onDisk, cause: error })
    }
  }
  const began = world.clock.wallMs()
  const { lock, waited } = await guarded(takeLock(world))
  if (lock === null) {
    throw new DrError('RUN_ACTIVE', {
      what: 'another process is executing a runbook on this system',
      untouched: 'Nothing was done by this command; that run goes on.',
      next: 'Watch it with: genesis-dr runs',
    })
  }
  try {
    if (waited) await requireNoneEnded(world, began)
    return await work(guarded)
  } finally {
    await lock.release()
  }
}

/** Chosen: whoever only looks holds the lock for an instant; 1 s is far longer. */
async function takeLock({ store, clock }: JournalWorld) {
  const deadline = clock.monotonicMs() + 1000
  for (let waited = false; ; waited = true) {
    const lock = await store.lock()
    if (lock !== null || clock.monotonicMs() > deadline) return { lock, waited }
    await clock.sleep(50)
  }
}

/** Whoever asked while a run was under way did not mean a second one right after it. @throws RUN_ACTIVE */
async function requireNoneEnded(world: JournalWorld, sinceMs: number): Promise<void> {
  const run = await newestRun(world)
  if (run?.end == null || (run.endedAtMs ?? 0) < sinceMs) return
  throw new DrError('RUN_ACTIVE', {
    what: `run ${run.runId} was being executed when this command was given, and has just ended: ${run.end.because}`,
    untouched: 'Nothing was done by this command.',
    next: `Look at it with: genesis-dr runs show ${run.runId}`,
  })
}

async function executeLocked(
  world: ExecuteWorld,
  request: ExecuteRequest,
  onDisk: (write: Promise<void>) => Promise<void>,
): Promise<ExecuteOutcome> {
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
  const place = placeOf(world, runId)
  const before = interrupted === null ? await world.ports.unfinished.read() : null
  if (interrupted !== null) requireSamePlace(interrupted, place)
  const journal = await Journal.open(world.journal, runId)
  await onDisk(
    journal.append(
      interrupted === null
        ? {
            type: 'run-started',
            scenario: runbook.scenario,
            mode,
            system: world.settings(runId).system,
            options: runbook.options,
            place,
            ...(before === null ? {} : { facts: asJson({ before }) }),
            plan: planOf(world, runbook),
            detectedAtMs: request.detectedAtMs,
            detectedBecause: request.detectedBecause,
          }
        : { type: 'resumed', pid: world.pid },
    ),
  )
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
    command: commandFor(interrupted ?? runbook),
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

function placeOf({ ports, settings }: ExecuteWorld, runId: string): RunPlace {
  return { database: settings(runId).database, replica: ports.store.url, service: ports.service?.description ?? 'none' }
}

/** Finished steps were about that database, and would be taken for steps about this one. @throws RUN_PLAN_CHANGED */
function requireSamePlace(run: RunState, now: RunPlace): void {
  const { runId, place: then } = run
  const names = ['database', 'replica', 'service'] as const
  const changed = then === null ? [] : names.filter((name) => then[name] !== now[name])
  if (then === null || changed.length === 0) return
  throw new DrError('RUN_PLAN_CHANGED', {
    what: `the configuration changed since run ${runId} began: ${changed.map((name) => `${name} was ${then[name]}, now it is ${now[name]}`).join('; ')}`,
    untouched: 'No step was begun, and neither of them was touched.',
    next: `Give the configuration back what it said, finish the run with ${commandFor(run)}, then change it.`,
  })
}

async function approveStep({ runbook, approve }: ExecuteRequest, name: string): Promise<Approval> {
  const step = runbook.steps.find((one) => one.name === name)
  return step === undefined ? { do: 'run' } : approve(step)
}

function workflowStep(world: ExecuteWorld, runbook: Runbook, step: Step, runId: string, mode: Mode): WorkflowStep {
  const scopeWith = async ({ evidence, interrupted, progress }: StepScope): Promise<Scope> => ({
    runId,
    scenario: runbook.scenario,
    mode,
    settings: world.settings(runId),
    facts: factsIn(evidence),
    interrupted,
    runs: await world.journal.store.list(),
    progress,
  })
  return {
    ...planned(world, step),
    optional: step.optional === true,
    expired: async (evidence) =>
      step.expired !== undefined &&
      (await step.expired(world.ports, await scopeWith({ evidence, interrupted: false, progress: () => {} }))),
    act: async (about) => {
      const scope = await scopeWith(about)
      const result = await step.act(world.ports, scope).catch((error: unknown) => {
        throw withPlace(error, scope)
      })
      return { ...result, evidence: asJson(result.evidence) }
    },
  }
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

export function commandFor({ scenario, options }: Pick<RunState, 'scenario' | 'options'>): string {
  return commandOf(scenario, options)
}
