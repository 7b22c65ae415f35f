/** What a capture tells while it runs. Each is one line of `replicate --json`. */
import type { ResumeDecision } from './resume.ts'

export type CaptureEvent =
  | {
      readonly type: 'attached'
      readonly do: ResumeDecision['do']
      readonly because: string
      readonly timeline: string
      readonly txid: number
    }
  | { readonly type: 'snapshot-progress'; readonly pages: number; readonly of: number; readonly pageSize: number }
  | {
      readonly type: 'flushed'
      readonly timeline: string
      readonly txid: number
      readonly commits: number
      readonly pages: number
      readonly lagMs: number
    }
  | { readonly type: 'checkpointed'; readonly frames: number; readonly heldMs: number }
  | { readonly type: 'warning'; readonly because: string }
  | { readonly type: 'let-go'; readonly because: string }
  | { readonly type: 'stopped'; readonly because: string; readonly txid: number; readonly complete: boolean }
