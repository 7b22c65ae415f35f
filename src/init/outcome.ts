/** What `init` came to, as one value. */
import type { Searched } from '../ports/database-search.ts'
import type { Candidate, Facts } from './facts.ts'
import type { NextSteps } from './next-steps.ts'
import type { Proposal } from './propose.ts'

export type InitOutcome =
  | { readonly do: 'choose'; readonly because: string; readonly candidates: readonly Candidate[]; readonly searched: Searched }
  | (Proposed & { readonly do: 'proposed' })

export interface Proposed {
  /** null: the database was named, and nothing was looked through. */
  readonly searched: Searched | null
  readonly facts: Facts
  readonly proposal: Proposal
  /** 'kept': one stood there, and only the journal mode was asked for. */
  readonly configuration: { readonly path: string; readonly text: string; readonly outcome: 'written' | 'kept' }
  readonly wal: Wal
  readonly next: NextSteps
}

export interface Wal {
  readonly outcome: 'already' | 'switched' | 'not switched'
  readonly because: string
}
