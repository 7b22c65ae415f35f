/** What a capture tells while it runs. Each is one line of `replicate --json`. Pure. */
import { counted } from '../units.ts'
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
  | ({ readonly type: 'older' } & OlderFacts)
  /** Pages of the file that are not what was committed, and were not known to be so. */
  | { readonly type: 'damaged-pages'; readonly path: string; readonly pages: readonly number[] }
  | { readonly type: 'checkpointed'; readonly frames: number; readonly heldMs: number }
  | { readonly type: 'warning'; readonly because: string }
  | { readonly type: 'let-go'; readonly because: string }
  /** The capture process ended, or was ended, and another one is started. */
  | { readonly type: 'restarted'; readonly because: string }
  | { readonly type: 'stopped'; readonly because: string; readonly txid: number; readonly complete: boolean }

/** The database went back in time: `parent` has what it lacks, from `forkTxid` on. */
export interface OlderFacts {
  /** URL, where it is another one than that which is configured now. */
  readonly replica: string | null
  readonly parent: string
  readonly forkTxid: number
  /** How many, at least and at most; null: not known. */
  readonly commits: { readonly least: number | null; readonly most: number | null }
}

/** "the replica has 312 commits that the database lacks (timeline 00000003)"; where the figure is not exact, the range that it is in. */
export function olderText({ replica, parent, commits: { least, most } }: OlderFacts): string {
  const where = replica === null ? '' : ` --replica ${replica}`
  const ways = `genesis-dr recover --timeline ${parent}${where} brings them back, genesis-dr accept --timeline ${parent} says that they are not wanted`
  if (least === 0) {
    return `the database went back, or the same pages came back: the replica has up to ${most ?? 'an unknown number of'} commits that it may lack (timeline ${parent}); ${ways}`
  }
  const exact = least !== null && least === most
  const range =
    least === null && most === null
      ? 'commits, not known how many,'
      : `${least ?? 'not known how many'} to ${most ?? 'not known how many'} commits`
  return `the replica${replica === null ? '' : ` ${replica}`} has ${exact ? counted(least, 'commit') : range} that the database lacks (timeline ${parent}); ${ways}`
}
