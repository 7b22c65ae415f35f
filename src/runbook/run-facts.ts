/** What the steps of a run found out, as the journal keeps it: plain JSON, one part a step. */
import { DrError } from '../errors.ts'
import type { FileOwner, UnfinishedRecovery } from '../ports/recovery-memory.ts'
import type { OlderFacts } from '../replication/capture-event.ts'
import type { JsonObject } from '../workflow/record.ts'
import { evidenceOf, type RunState } from '../workflow/run-state.ts'
import type { CheckResult } from './check-result.ts'

export interface RunFacts {
  /** What runs before this one did and did not finish; what this one gives up comes on top of what they did. */
  readonly before: UnfinishedRecovery
  readonly stopped: { readonly proven: boolean; readonly atMs: number; readonly pids: readonly number[]; readonly latchHolder: string }
  readonly drained: {
    readonly timeline: string
    readonly txid: number
    readonly lastCommitMs: number
    /** Everything that was committed is in the replica. */
    readonly complete: boolean
    readonly because: string
  }
  /** What the replica has that the database lacked already, and nobody has decided about. */
  readonly older: readonly OlderFacts[]
  /** Somebody committed to the database that the capture did not see: how that is known. */
  readonly unseen: { readonly because: string }
  readonly evidence: {
    readonly folder: string
    readonly files: readonly string[]
    /** Of the database that was set aside, for the one that takes its place; null when there was none. */
    readonly owner: FileOwner | null
  }
  readonly chosen: {
    readonly timeline: string | null
    readonly txid: number
    readonly timestampMs: number
    /** Commits that the replica has after the chosen point; null when they cannot be counted. */
    readonly lostTransactions: number | null
    readonly dataLossMs: number | null
    readonly lossBecause: string
    /** What is to be known of a point that was chosen by its time. */
    readonly notes: readonly string[]
    readonly looked: readonly { readonly txid: number; readonly good: boolean; readonly because: string }[]
    /** The candidate that passed, waiting under this name. */
    readonly temporary: string
    /** 16 hex digits: rolling checksum of it. */
    readonly sum: string
    readonly sizeBytes: number
    readonly pages: number
    readonly filesRead: number
    readonly bytesRead: number
    /** What was proven of it, each with how. */
    readonly verified: readonly string[]
  }
  /** The damage was in pages whose content the replica has: they were replaced, and nothing was given up. */
  readonly repaired: { readonly pages: readonly number[] }
  readonly restored: { readonly path: string; readonly inode: number; readonly sizeBytes: number; readonly sum: string }
  readonly validation: readonly CheckResult[]
  /** A drill's own measure: what the writer was told is committed and the recovered database lacks. */
  readonly measured: { readonly lostTransactions: number; readonly dataLossMs: number; readonly lostOrders: readonly string[] }
  readonly protectedAs: { readonly timeline: string; readonly txid: number }
  readonly resumed: { readonly proven: boolean; readonly pids: readonly number[] }
}

export function factsOf(state: RunState): Partial<RunFacts> {
  return factsIn(evidenceOf(state))
}

/** What a journal keeps of them. Every part was put there by a step of ours, typed as this, and came back through the hash chain. */
export function factsIn(evidence: JsonObject): Partial<RunFacts> {
  return evidence as Partial<RunFacts>
}

export function asJson(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject
}

/** The facts that a step relies on. @throws STEP_FAILED when no earlier step left them, because a person skipped it */
export function factOf<Name extends keyof RunFacts>(facts: Partial<RunFacts>, name: Name): RunFacts[Name] {
  const value = facts[name]
  if (value !== undefined) return value
  throw new DrError('STEP_FAILED', {
    what: `this step needs what a step before it finds out (${name}), and that was skipped`,
    untouched: 'Nothing was done by this step.',
    next: 'Give the same command again, and let that step run.',
  })
}
