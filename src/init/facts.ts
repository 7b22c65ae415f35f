/** What `init` found out: facts only, from which the proposal is made. */

import type { Config, UserCheck } from '../config.ts'
import type { ContainerSearch, UnitSearch } from '../ports/caretakers.ts'
import type { FileFacts } from '../ports/database-files.ts'
import type { DatabaseFile } from '../ports/database-search.ts'
import type { Holders } from '../ports/open-files.ts'
import type { Self, WriteAccess } from '../ports/users.ts'
import type { CheckResult } from '../runbook/check-result.ts'
import type { Recognised } from './ledger.ts'

/** A database that is here, as far as choosing one needs it. */
export interface Candidate {
  readonly file: DatabaseFile
  /** Processes other than our capture that have it open. */
  readonly holders: Holders
  /** null: the tables could not be looked at; `ledgerBecause` says why. */
  readonly ledger: Recognised | null
  readonly ledgerBecause: string
  readonly owner: string
  readonly group: string
}

/** A configuration that stands: what it says is what holds, whatever would be proposed now. */
export interface Standing {
  readonly text: string
  readonly name: string
  /** Absolute, without symbolic links. */
  readonly database: string
  /** Absolute; null: none is named. */
  readonly replica: string | null
  readonly service: Config['service']
}

export interface TriedCheck {
  readonly check: UserCheck
  readonly result: CheckResult
}

export interface Facts extends Candidate {
  /** Absolute; where it was looked, and what the names in the configuration count from if it lies there. */
  readonly folder: string
  /** Absolute path of the configuration. */
  readonly output: string
  /** What it says, where it stands there already; null: it is to be written. */
  readonly standing: Standing | null
  /** Tried on the database as it is now; empty when it could not be read. */
  readonly checks: readonly TriedCheck[]
  readonly units: UnitSearch
  readonly containers: ContainerSearch
  readonly self: Self
  readonly folderFacts: FileFacts & { readonly path: string }
  readonly writeAccess: WriteAccess
  /** A folder on the way to this program that the owner of the database may not enter; null: he may enter each. */
  readonly closed: string | null
  /** `given`: by --replica; otherwise the proposed one, beside the configuration. `sameDisk` null: cannot be told. */
  readonly replica: {
    readonly path: string
    readonly given: 'given' | 'proposed'
    readonly sameDisk: boolean | null
    readonly owner: string | null
  }
}
