/** Stopping and resuming the bot alone, by a person: the mission's first immediate action, proven. */
import { DrError } from '../errors.ts'
import { lastInterrupted, lastWhere } from '../workflow/find-runs.ts'
import type { Outcome } from '../workflow/record.ts'
import { isSettled } from '../workflow/run-state.ts'
import { commandFor, type ExecuteWorld, withRunLock } from './execute.ts'
import { factsOf } from './run-facts.ts'
import type { RunbookPorts, RunSettings, Scope, StepResult } from './runbook.ts'
import { protectAgain } from './steps/protect-again.ts'
import { resumeTrading } from './steps/resume-trading.ts'
import { stopTrading } from './steps/stop-trading.ts'

export interface TradingReport {
  readonly outcome: Outcome
  readonly because: string
  readonly notProven: readonly string[]
  readonly dryRun: boolean
}

/** `by`: who says so. The latch is that person's, and takes the place of that of a run: only `resume-trading` removes it. @throws as the step */
export async function stopByHand(ports: RunbookPorts, settings: RunSettings, by: string): Promise<TradingReport> {
  return report(await stopTrading.act(ports, scopeFor(settings, by, 'stop-trading')), false)
}

/** What `stopByHand` would do; nothing is changed. */
export async function foreseeStopByHand(ports: RunbookPorts, settings: RunSettings, by: string): Promise<TradingReport> {
  return report(await stopTrading.foresee(ports, { ...scopeFor(settings, by, 'stop-trading'), mode: 'dry-run' }), true)
}

/**
 * A person removes whatever latch stands. The lock over runs is held meanwhile, so that no run begins between the look and the start.
 * A database that a failed run restored, and did not come to protect, is protected first: what a bot writes before is in no replica.
 * @throws RUN_ACTIVE while a run is executed or not finished; DATABASE_MISSING, DATABASE_IN_USE, SERVICE_START_FAILED; as protect-again
 */
export function resumeByHand(world: Pick<ExecuteWorld, 'journal' | 'ports' | 'settings'>, by: string): Promise<TradingReport> {
  const settings = world.settings(`person-${by}`)
  return withRunLock(world.journal, async () => {
    const open = await lastInterrupted(world.journal)
    if (open !== null) {
      throw new DrError('RUN_ACTIVE', {
        what: `run ${open.runId} is not finished`,
        untouched: 'The bot was not started.',
        next: `Go on with it first: ${commandFor(open)}`,
      })
    }
    if ((await world.ports.files.stat(settings.database)) === null) {
      throw new DrError('DATABASE_MISSING', {
        what: `there is no database at ${settings.database}`,
        untouched: 'The bot was not started: it would begin with an empty database.',
        next: 'Recover it first: genesis-dr recover',
      })
    }
    const scope = scopeFor(settings, by, 'resume-trading')
    const guarded = await protectRestored(world, scope)
    const resumed = report(await resumeTrading.act(world.ports, scope), false)
    if (guarded === null) return resumed
    const notProven = [...resumed.notProven, ...(guarded.notProven ?? [])]
    return { ...resumed, because: `${guarded.because}; ${resumed.because}`, notProven }
  })
}

/** What the run that restored the standing file left undone between restoring and protecting; null: nothing. @throws as protect-again */
async function protectRestored({ journal, ports }: Pick<ExecuteWorld, 'journal' | 'ports'>, scope: Scope): Promise<StepResult | null> {
  const standing = await ports.files.stat(scope.settings.database)
  const run = await lastWhere(journal, (one) => standing !== null && factsOf(one).restored?.inode === standing.inode)
  const settled = (name: string): boolean => isSettled(run?.steps.find((one) => one.step === name))
  if (run === null || !settled('restore-database') || settled('protect-again')) return null
  // A capture that found it by itself has bound it to a timeline since.
  if ((await ports.capture.knownFile())?.inode === standing?.inode) return null
  return protectAgain.act(ports, { ...scope, facts: factsOf(run) })
}

function scopeFor(settings: RunSettings, by: string, scenario: string): Scope {
  return { runId: `person:${by}`, scenario, mode: 'live', settings, facts: {}, interrupted: false, runs: [], progress: () => {} }
}

function report({ outcome, because, notProven }: StepResult, dryRun: boolean): TradingReport {
  return { outcome, because, notProven: notProven ?? [], dryRun }
}
