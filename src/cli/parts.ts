/** What the commands may ask of the system: one function a verb. The composition root implements it, tests give a plain object. */
import type { AgentEvent } from '../agent/agent-event.ts'
import type { DamageKind } from '../drill/damage.ts'
import type { DrillEvent } from '../drill/drill.ts'
import type { Candidate, Facts } from '../init/facts.ts'
import type { InitOutcome } from '../init/outcome.ts'
import type { DrainOutcome } from '../ports/capture-control.ts'
import type { CaptureEvent } from '../replication/capture-event.ts'
import type { PointTarget } from '../runbook/choose-point.ts'
import type { ExecuteOutcome } from '../runbook/execute.ts'
import type { RecoverReport } from '../runbook/recover.ts'
import type { RunResult } from '../runbook/result.ts'
import type { Runbook, Step } from '../runbook/runbook.ts'
import type { TradingReport } from '../runbook/trading.ts'
import type { ValidateReport } from '../runbook/validate.ts'
import type { BackupStatus } from '../status/backup-status.ts'
import type { ReplicationStatus } from '../status/replication-status.ts'
import type { RunDetail, RunSummary } from '../status/runs.ts'
import type { Status } from '../status/status.ts'
import type { Approval, RunEvent } from '../workflow/run.ts'

/** Each may throw a DrError, which the face shows and turns into the exit status of its code. */
export interface Parts {
  /** Those that this version can run; the target times of the timeline come from them. */
  readonly runbooks: readonly Runbook[]
  /**
   * Ends, flushed, when `signal` aborts; null when it was not attached to the database then. Where the replica lies on the disk of the
   * database, a 'warning' says so before anything else.
   */
  replicate(request: ReplicateRequest): Promise<DrainOutcome | null>
  /** As `replicate`, and watches over the system. Ends as that does, after a run that is under way was paused. */
  agent(request: AgentRequest): Promise<DrainOutcome | null>
  /** With `output`: to a new file, nothing else is touched. Without: in place, as a run that can be gone on with. */
  recover(request: RecoverRequest): Promise<RecoverOutcome>
  /** @throws POINT_NOT_FOUND */
  accept(request: { readonly timeline: string }): Promise<{ readonly timeline: string; readonly because: string }>
  backupStatus(): Promise<BackupStatus>
  replicationStatus(): Promise<ReplicationStatus>
  status(): Promise<Status>
  /** `runId`: that run's checks, again; null: the newest restore point. `full`: integrity_check instead of quick_check. */
  validate(request: { readonly runId: string | null; readonly full: boolean }): Promise<ValidateReport>
  stopTrading(request: { readonly dryRun: boolean; readonly by: string }): Promise<TradingReport>
  resumeTrading(request: { readonly by: string }): Promise<TradingReport>
  /** `dryRun`: every step is looked through and none acts; `approve` is not asked then. */
  execute(request: ExecuteCommand): Promise<ExecuteOutcome>
  drill(request: DrillCommand): Promise<RunResult>
  /** Oldest first. */
  runs(): Promise<readonly RunSummary[]>
  /** @throws RUN_UNKNOWN */
  runShow(runId: string): Promise<RunDetail>
  /** Works without a configuration: only what the flags say of database and replica counts. */
  init(request: InitCommand): Promise<InitOutcome>
  /** Markdown. */
  runbook(): Promise<string>
}

export interface ReplicateRequest {
  readonly takeOver: boolean
  readonly onEvent: (event: CaptureEvent) => void
  readonly signal: AbortSignal
}

export interface AgentRequest {
  readonly takeOver: boolean
  readonly onEvent: (event: AgentEvent) => void
  readonly signal: AbortSignal
}

export interface RecoverRequest {
  readonly target: PointTarget
  /** 8 hex digits; null: the newest complete one and its ancestors. */
  readonly timeline: string | null
  /** Absolute path of a file that must not exist; null: in place. */
  readonly output: string | null
  readonly dryRun: boolean
  /** integrity_check instead of quick_check. */
  readonly full: boolean
  readonly onEvent: (event: RunEvent | DrillEvent) => void
  readonly signal: AbortSignal
}

export type RecoverOutcome =
  | { readonly ended: 'done'; readonly report: RecoverReport }
  | { readonly ended: 'failed'; readonly result: RunResult }
  | { readonly ended: 'paused'; readonly runId: string }

export interface ExecuteCommand {
  readonly scenario: string
  /** 8 hex digits: to another timeline than that of the database; null: on that one. */
  readonly timeline: string | null
  readonly dryRun: boolean
  readonly approve: (step: Step) => Promise<Approval>
  readonly onEvent: (event: RunEvent) => void
  readonly signal: AbortSignal
}

export interface DrillCommand {
  readonly scenario: string
  /** null: one is chosen, and the result names it. */
  readonly seed: number | null
  /** null: the seed chooses. */
  readonly damage: DamageKind | null
  readonly onEvent: (event: RunEvent | DrillEvent) => void
  readonly signal: AbortSignal
}

export interface InitCommand {
  /** Absolute: where is looked, and where the configuration goes. */
  readonly folder: string
  readonly database: 'named' | 'to be found'
  /** Absolute path of a file that must not exist; null: `genesis-dr.yaml` in the folder. */
  readonly output: string | null
  /** 'switch' to WAL mode, or be refused; 'offer' asks `agrees` where nobody has the database open. */
  readonly wal: 'switch' | 'offer'
  /** One of several; null: nobody chose. */
  readonly choose: (candidates: readonly Candidate[]) => Promise<Candidate | null>
  readonly agrees: (facts: Facts) => Promise<boolean>
}
