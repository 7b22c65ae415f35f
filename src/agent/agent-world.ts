/** What an agent needs of the world. Everything that opens a database is an errand, which another process runs. */
import type { AgentState } from '../ports/agent-state.ts'
import type { Clock } from '../ports/clock.ts'
import type { Notifier } from '../ports/notifier.ts'
import type { RunEvent } from '../workflow/run.ts'
import type { Look } from './decide.ts'

export interface Errands {
  /** Each may throw a DrError; IO_FAILED when its process ended otherwise. `signal`: ends it at once, and nothing is known by it. */
  look(signal: AbortSignal): Promise<Look>
  rehearse(signal: AbortSignal): Promise<Rehearsal>
  /** Goes on with a run that was interrupted. `signal`: pauses it after the step that is under way. */
  execute(request: ExecuteErrand): Promise<Conclusion>
}

export interface Rehearsal {
  readonly success: boolean
  readonly because: string
}

export interface ExecuteErrand {
  readonly scenario: string
  /** The last good state of this timeline; null: of that of the database. */
  readonly timeline: string | null
  readonly detectedAtMs: number
  readonly detectedBecause: string
  readonly onEvent: (event: RunEvent) => void
  readonly signal: AbortSignal
}

/** `success` null: it was paused. */
export interface Conclusion {
  readonly success: boolean | null
  readonly because: string
}

export interface AgentWorld {
  readonly clock: Clock
  readonly errands: Errands
  readonly state: AgentState
  readonly notifiers: readonly Notifier[]
  readonly pid: number
  /** A process is there, and is the one that it was when it was seen first. */
  readonly watchProcess: (pid: number) => () => boolean
}

export interface AgentSettings {
  readonly system: string
  readonly scenario: string
  readonly mayExecute: boolean
  /** The same where the database is older than its replica. */
  readonly mayRecoverOlder: boolean
  readonly lookEveryMs: number
  /** 0: never. */
  readonly rehearseEveryMs: number
}
