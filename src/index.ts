/** The library: the runbook's own names over the same verbs as the command line. */
import type { Parts } from './cli/parts.ts'
import { composeParts } from './compose.ts'
import { loadConfig } from './load-config.ts'
import type { RunResult } from './runbook/result.ts'
import type { Step } from './runbook/runbook.ts'
import type { TradingReport } from './runbook/trading.ts'
import { type ScenarioName, scenarioNames } from './scenario-names.ts'
import type { Approval, RunEvent } from './workflow/run.ts'

export { DrError } from './errors.ts'
export type { Approval, RunEvent, RunResult, Step, TradingReport }

/** `DRScenario.DATABASE_CORRUPTION`, ...: those that this version can run. */
export const DRScenario: { readonly [Name in ScenarioName]: Name } = Object.freeze(
  Object.fromEntries(scenarioNames.map((name) => [name, name])),
) as { readonly [Name in ScenarioName]: Name }

export interface OpenOptions {
  /** Path of genesis-dr.yaml; without it the one of the working directory, if it is there. */
  readonly config?: string
  /** Instead of those of the configuration. */
  readonly database?: string
  readonly replica?: string
}

export interface WorkflowRequest {
  readonly scenario: ScenarioName
  /** Looks through every step and changes nothing. */
  readonly dryRun: boolean
  /** Without a person. Otherwise `approve` is asked before each step. */
  readonly autoExecute: boolean
  readonly approve?: (step: Step) => Promise<Approval>
  readonly onEvent?: (event: RunEvent) => void
  /** Finishes the step that is under way and pauses the run. */
  readonly signal?: AbortSignal
}

export class DROrchestrator {
  readonly #parts: Parts

  private constructor(parts: Parts) {
    this.#parts = parts
  }

  /** @throws DrError CONFIG_INVALID */
  static async open(options: OpenOptions = {}): Promise<DROrchestrator> {
    const environment = { ...process.env }
    const { config = null, database = null, replica = null } = options
    return new DROrchestrator(
      composeParts(loadConfig({ config, database, replica, environment, workingFolder: process.cwd() }), environment),
    )
  }

  /** The result, whether it succeeded or not; null when `signal` paused the run, which the same call goes on with. @throws DrError */
  async executeDrWorkflow(request: WorkflowRequest): Promise<RunResult | null> {
    const { scenario, dryRun, autoExecute, approve, onEvent = () => {}, signal = new AbortController().signal } = request
    if (!autoExecute && !dryRun && approve === undefined) throw new TypeError('without autoExecute each step needs approve()')
    const ask = autoExecute || approve === undefined ? async (): Promise<Approval> => ({ do: 'run' }) : approve
    const outcome = await this.#parts.execute({ scenario, timeline: null, dryRun, approve: ask, onEvent, signal })
    return outcome.ended === 'paused' ? null : outcome.result
  }

  /** Stops the bot and proves it. @throws DrError */
  stopTrading({ dryRun, by = 'library' }: { readonly dryRun: boolean; readonly by?: string }): Promise<TradingReport> {
    return this.#parts.stopTrading({ dryRun, by })
  }
}
