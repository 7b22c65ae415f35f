/** What an agent tells while it watches. Each is one line of `agent --json`. */
import type { CaptureEvent } from '../replication/capture-event.ts'
import type { RunEvent } from '../workflow/run.ts'
import type { Decision } from './decide.ts'

export type AgentEvent =
  | CaptureEvent
  | RunEvent
  /** `found` and `untold` are empty where there is nothing of it. */
  | {
      readonly type: 'looked'
      readonly why: string
      readonly found: string
      readonly untold: string
      readonly troubles: readonly string[]
      readonly durationMs: number
    }
  | { readonly type: 'decided'; readonly do: Decision['do']; readonly because: string }
  | { readonly type: 'rehearsed'; readonly success: boolean; readonly because: string; readonly durationMs: number }
  /** Could not be done: nothing is known by it. */
  | { readonly type: 'not-done'; readonly what: 'look' | 'rehearsal' | 'run'; readonly because: string }
  /** How a run that the agent began ended; null: it was paused, and the next agent goes on with it. */
  | { readonly type: 'run-concluded'; readonly success: boolean | null; readonly because: string }
  | { readonly type: 'capture-refused'; readonly because: string }
  | { readonly type: 'told'; readonly title: string; readonly accepted: number; readonly channels: number }
