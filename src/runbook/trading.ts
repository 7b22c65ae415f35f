/** Stopping and resuming the bot alone, by a person: the mission's first immediate action, proven. */
import { DrError } from '../errors.ts'
import type { Outcome } from '../workflow/record.ts'
import type { RunbookPorts, RunSettings, Scope, StepResult } from './runbook.ts'
import { resumeTrading } from './steps/resume-trading.ts'
import { stopTrading } from './steps/stop-trading.ts'

export interface TradingReport {
  readonly outcome: Outcome
  readonly because: string
  readonly notProven: readonly string[]
  readonly dryRun: boolean
}

/** `by`: who says so. The latch is that person's: only `resume-trading` removes it. @throws as the step */
export async function stopByHand(ports: RunbookPorts, settings: RunSettings, by: string): Promise<TradingReport> {
  return report(await stopTrading.act(ports, scopeFor(settings, by, 'stop-trading')), false)
}

/** What `stopByHand` would do; nothing is changed. */
export async function foreseeStopByHand(ports: RunbookPorts, settings: RunSettings, by: string): Promise<TradingReport> {
  return report(await stopTrading.foresee(ports, { ...scopeFor(settings, by, 'stop-trading'), mode: 'dry-run' }), true)
}

/** A person removes whatever latch stands. @throws RUN_ACTIVE while a run is not finished, SERVICE_START_FAILED */
export async function resumeByHand(ports: RunbookPorts, settings: RunSettings, by: string, openRun: string | null): Promise<TradingReport> {
  if (openRun !== null) {
    throw new DrError('RUN_ACTIVE', {
      what: `run ${openRun} is not finished`,
      untouched: 'The bot was not started.',
      next: 'Repeat its command, which goes on with it; that starts the bot at its end.',
    })
  }
  if ((await ports.files.stat(settings.database)) === null) {
    throw new DrError('DATABASE_MISSING', {
      what: `there is no database at ${settings.database}`,
      untouched: 'The bot was not started: it would begin with an empty database.',
      next: 'Recover it first: genesis-dr recover',
    })
  }
  const standing = await ports.latch.read()
  const scope = scopeFor(settings, by, 'resume-trading')
  const stopped = { proven: true, atMs: 0, pids: [], latchHolder: standing?.holder ?? `person:${by}` }
  return report(await resumeTrading.act(ports, { ...scope, facts: { stopped } }), false)
}

function scopeFor(settings: RunSettings, by: string, scenario: string): Scope {
  return { runId: `person:${by}`, scenario, mode: 'live', settings, facts: {}, interrupted: false, progress: () => {} }
}

function report({ outcome, because, notProven }: StepResult, dryRun: boolean): TradingReport {
  return { outcome, because, notProven: notProven ?? [], dryRun }
}
