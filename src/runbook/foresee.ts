/** A dry run: every probe and every step looks, none acts, no journal is written. What can be proven without acting is proven. */
import { isDrError, sentenceOf } from '../errors.ts'
import { isoTime } from '../units.ts'
import type { RunState, StepState } from '../workflow/run-state.ts'
import { type Detection, detect, listedDetections, troublesOf } from './detection.ts'
import { type ExecuteRequest, type ExecuteWorld, newRunId, planOf } from './execute.ts'
import { type RunResult, resultOf } from './result.ts'
import type { Scope, Step } from './runbook.ts'

type Seen = Pick<StepState, 'because' | 'notProven' | 'error'> & { readonly outcome: StepState['outcome'] & string }

export async function foresee(world: ExecuteWorld, request: Omit<ExecuteRequest, 'mode' | 'approve'>): Promise<RunResult> {
  const { runbook, onEvent } = request
  const { clock } = world.journal
  const runId = `dry-${newRunId(world)}`
  const settings = world.settings(runId)
  const startedAtMs = clock.wallMs()
  const elapsed = (): number => Math.max(0, clock.wallMs() - request.detectedAtMs)
  onEvent({ type: 'run-started', runId, scenario: runbook.scenario, steps: runbook.steps.map((step) => step.name) })
  const detected = said(await detect(world.ports, runbook.detectedWhen, settings))
  const steps: StepState[] = []
  for (const step of runbook.steps) {
    const began = clock.monotonicMs()
    const stepAtMs = clock.wallMs()
    onEvent({ type: 'step-began', step: step.name, elapsedMs: elapsed() })
    const scope: Scope = {
      runId,
      scenario: runbook.scenario,
      mode: 'dry-run',
      settings,
      facts: {},
      interrupted: false,
      runs: [],
      progress: () => {},
    }
    const seen = await foreseeStep(world, step, scope)
    const durationMs = clock.monotonicMs() - began
    steps.push({ step: step.name, attempts: 1, startedAtMs: stepAtMs, durationMs, evidence: {}, byPerson: false, ...seen })
    onEvent({ type: 'step-ended', step: step.name, outcome: seen.outcome, because: seen.because, durationMs, elapsedMs: elapsed() })
  }
  const failed = steps.filter(({ outcome }) => outcome === 'failed' || outcome === 'unknown').map((one) => `${one.step}: ${one.because}`)
  const failure = failed.length > 0 ? failed.join('; ') : null
  const state: RunState = {
    runId,
    scenario: runbook.scenario,
    mode: 'dry-run',
    system: settings.system,
    options: runbook.options,
    place: null,
    facts: {},
    plan: planOf(world, runbook),
    detectedAtMs: request.detectedAtMs,
    detectedBecause: detected,
    startedAtMs,
    endedAtMs: clock.wallMs(),
    steps,
    end: null,
  }
  const endedAtMs = clock.wallMs()
  const result = resultOf({ runbook, state, facts: {}, mode: 'dry-run', failure, endedAtMs })
  const looked =
    failure === null
      ? 'dry run: nothing was changed, and every step could be looked through'
      : `would not recover as things are: ${failure}`
  // A dry run recovers nothing, so that no time and no loss is measured by it.
  const unmeasured = { recoveryTimeMs: null, recoveryTimeMinutes: null, rtoMet: null }
  return { ...result, ...unmeasured, because: detected === '' ? looked : `${looked}; ${detected}`, endedAt: isoTime(endedAtMs) }
}

/** What the probes see now, as a sentence; empty where there are none. */
function said(detections: readonly Detection[]): string {
  if (detections.length === 0) return ''
  const found = listedDetections(detections, true)
  const untold = listedDetections(detections, null)
  const none = untold === '' ? 'no probe detects damage now' : `no probe detects damage now, but it cannot be told of: ${untold}`
  return [found === '' ? none : `detected now: ${found}`, ...troublesOf(detections)].join('; ')
}

async function foreseeStep({ ports }: ExecuteWorld, step: Step, scope: Scope): Promise<Seen> {
  try {
    const { outcome, because, notProven } = await step.foresee(ports, scope)
    return { outcome, because, notProven: notProven ?? [], error: null }
  } catch (thrown) {
    if (!isDrError(thrown)) throw thrown
    const { code, message: what, untouched, next } = thrown
    const outcome = thrown.exit === 3 ? 'unknown' : 'failed'
    return { outcome, because: sentenceOf(thrown), notProven: [], error: { code, what, untouched, next } }
  }
}
