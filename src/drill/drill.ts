/**
 * A drill: the disaster is really done to an isolated copy, noticed by the probes of the runbook, recovered by its steps, and measured
 * against what the bot itself was told. It passes only if its teardown is clean too.
 */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Sandbox } from '../ports/sandbox.ts'
import { detect, listedDetections } from '../runbook/detection.ts'
import { type ExecuteWorld, execute, newRunId } from '../runbook/execute.ts'
import type { RunResult } from '../runbook/result.ts'
import { type Runbook, type RunSettings, type Step, step } from '../runbook/runbook.ts'
import { formatDuration, isoTime } from '../units.ts'
import type { RunEvent } from '../workflow/run.ts'
import type { DamageKind } from './damage.ts'
import { holdDamage, inflictDamage } from './inflict.ts'
import { witnessedLoss } from './loss.ts'
import { decodeWitness } from './witness.ts'

export interface DrillRequest {
  readonly runbook: Runbook
  readonly damage: DamageKind
  readonly seed: number
  /** Seeded by `seed`. */
  readonly random: Random
  readonly onEvent: (event: RunEvent | DrillEvent) => void
  readonly signal: AbortSignal
}

/** 'damage': what was done to the database. Times are ms since it was done. */
export type DrillEvent = { readonly type: 'note' | 'damage'; readonly text: string; readonly elapsedMs: number | null }

/** Chosen: damage that the probes have not seen after 30 s is not detected, and the drill says so. */
const detectWithinMs = 30_000
/** Chosen: as often as a watch would look when something is wrong; each look is a quick_check of a small database. */
const lookEveryMs = 100
const resumedWithinMs = 10_000

/** Never leaves a process or a folder behind without saying so. */
export async function drill(world: ExecuteWorld, sandbox: Sandbox, request: DrillRequest): Promise<RunResult> {
  const { clock } = world.journal
  const note = (text: string, elapsedMs: number | null = null): void => request.onEvent({ type: 'note', text, elapsedMs })
  const startedAtMs = clock.wallMs()
  try {
    note('starting a bot and its continuous copy in an isolated folder')
    await sandbox.start()
    note(`the bot trades; ${await acknowledged(sandbox)} transactions are acknowledged to it`)
    const { detectedAtMs, noticed } = await damageAndDetect(world, sandbox, request)
    note(`noticed: ${noticed}`, clock.wallMs() - detectedAtMs)
    const outcome = await execute(world, {
      runbook: withMeasure(request.runbook, sandbox),
      mode: 'drill',
      detectedAtMs,
      detectedBecause: noticed,
      approve: async () => ({ do: 'run' }),
      onEvent: request.onEvent,
      signal: request.signal,
    })
    if (outcome.ended === 'paused') return failed(world, request, startedAtMs, 'interrupted', await sandbox.teardown())
    await requireTrading(sandbox, outcome.result, clock)
    const teardown = await sandbox.teardown()
    return concluded(outcome.result, request, teardown)
  } catch (error) {
    if (!isDrError(error)) {
      await sandbox.teardown()
      throw error
    }
    return failed(world, request, startedAtMs, sentenceOf(error), await sandbox.teardown())
  }
}

/** The damage stands until it is noticed: a checkpoint that writes over it would only put the disaster off. */
async function damageAndDetect(world: ExecuteWorld, sandbox: Sandbox, request: DrillRequest) {
  const { clock } = world.journal
  const target = sandbox.target()
  const seen = new AbortController()
  try {
    const damage = await inflictDamage(request.damage, target, request.random, clock)
    const detectedAtMs = clock.wallMs() - (clock.monotonicMs() - damage.monotonicMs)
    request.onEvent({ type: 'damage', text: damage.what, elapsedMs: 0 })
    const held = holdDamage(damage, target, clock, seen.signal)
    const noticed = await awaitDetection(world, request, clock).finally(() => seen.abort())
    await held
    return { detectedAtMs, noticed }
  } finally {
    target.close()
  }
}

async function acknowledged(sandbox: Sandbox): Promise<number> {
  return decodeWitness(await sandbox.readWitness()).commits.length
}

/** The runbook as it is, and one step of the drill's own: the loss is measured while nobody has the recovered database open. */
function withMeasure(runbook: Runbook, sandbox: Sandbox): Runbook {
  const measure: Step = step({
    name: 'measure-loss',
    phase: 'validation',
    title: 'Measure what was lost',
    does: "Compares the recovered database with the bot's own list of what it was told is committed.",
    effect: { kind: 'reads', because: 'It only reads.' },
    undo: { none: 'It only reads.' },
    needs: [],
    foresee: async () => ({ outcome: 'skipped', because: 'would compare with the witness of the bot', evidence: {} }),
    act: async () => {
      const { commits } = decodeWitness(await sandbox.readWitness())
      const measured = witnessedLoss(commits, await sandbox.orderIds())
      const lost = measured.lostTransactions
      const because = `${commits.length} transactions were acknowledged to the bot, ${lost === 0 ? 'all are there' : `${lost} are lost (${formatDuration(measured.dataLossMs)})`}`
      return { outcome: 'done', because, evidence: { measured } }
    },
  })
  const at = runbook.steps.findIndex((one) => one.name === 'protect-again')
  return { ...runbook, steps: [...runbook.steps.slice(0, at), measure, ...runbook.steps.slice(at)] }
}

/** What the probes find, as an agent asks them. @throws DRILL_FAILED when none finds anything in time */
async function awaitDetection(world: ExecuteWorld, { runbook, signal }: DrillRequest, clock: Clock): Promise<string> {
  const settings: RunSettings = world.settings(newRunId(world))
  const deadline = clock.monotonicMs() + detectWithinMs
  let last = 'nothing was looked at'
  while (clock.monotonicMs() < deadline && !signal.aborted) {
    const detections = await detect(world.ports, runbook.detectedWhen, settings)
    const found = listedDetections(detections, true)
    if (found !== '') return found
    last = detections.at(-1)?.because ?? 'no probe was asked'
    await clock.sleep(lookEveryMs, signal)
  }
  throw new DrError('DRILL_FAILED', {
    what: signal.aborted
      ? 'the drill was interrupted'
      : `no probe noticed the damage within ${detectWithinMs / 1000} s (the last one said: ${last})`,
    untouched: 'Only the copy of the drill was damaged.',
    next: 'Repeat it with the same --seed; if it stays unnoticed, that is a gap in the detection.',
  })
}

/** A run that says "recovered" is believed when the bot was told of a commit again. */
async function requireTrading(sandbox: Sandbox, result: RunResult, clock: Clock): Promise<void> {
  if (!result.success) return
  const before = await acknowledged(sandbox)
  const deadline = clock.monotonicMs() + resumedWithinMs
  while ((await acknowledged(sandbox)) <= before) {
    if (clock.monotonicMs() > deadline) {
      throw new DrError('DRILL_FAILED', {
        what: `the run ended as "${result.because}", but the bot commits nothing`,
        untouched: 'Only the copy of the drill is concerned.',
        next: 'This is a bug: the run must not say so. Repeat it with the same --seed.',
      })
    }
    await clock.sleep(20)
  }
}

function concluded(
  result: RunResult,
  { seed, damage }: DrillRequest,
  teardown: { readonly clean: boolean; readonly left: readonly string[] },
): RunResult {
  const played = { ...result, seed, faults: [damage], teardown }
  if (teardown.clean) return played
  return { ...played, success: false, because: `${result.because}; but the drill left behind: ${teardown.left.join(', ')}` }
}

function failed(
  world: ExecuteWorld,
  { runbook, seed, damage }: DrillRequest,
  startedAtMs: number,
  because: string,
  teardown: { readonly clean: boolean; readonly left: readonly string[] },
): RunResult {
  const { clock } = world.journal
  return {
    runId: newRunId(world),
    scenario: runbook.scenario,
    mode: 'drill',
    success: false,
    because: `not recovered: ${because}`,
    notProven: [],
    startedAt: isoTime(startedAtMs),
    endedAt: isoTime(clock.wallMs()),
    recoveryTimeMs: null,
    recoveryTimeMinutes: null,
    rtoTargetMinutes: runbook.rto / 60_000,
    rtoMet: null,
    dataLossMs: null,
    dataLossMinutes: null,
    lostTransactions: null,
    lostOrders: null,
    rpoTargetMinutes: runbook.rpo / 60_000,
    rpoMet: null,
    steps: [],
    validation: [],
    seed,
    faults: [damage],
    teardown,
  }
}
