/**
 * What a runbook is: one value that feeds the engine, the document, the dry run, the approval prompt and the screen.
 * The compiler refuses a step that does not say what it does, why repeating it is safe, and its undo or why there is none.
 */
import type { CaptureControl } from '../ports/capture-control.ts'
import type { Clock } from '../ports/clock.ts'
import type { DatabaseChecks } from '../ports/database-checks.ts'
import type { DatabaseFiles } from '../ports/database-files.ts'
import type { HaltLatch } from '../ports/halt-latch.ts'
import type { Notifier } from '../ports/notifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { OpenFiles } from '../ports/open-files.ts'
import type { OutputFiles } from '../ports/output-file.ts'
import type { Service } from '../ports/service.ts'
import type { RunFacts } from './run-facts.ts'

export interface RunbookPorts {
  readonly clock: Clock
  readonly store: ObjectStore
  readonly files: DatabaseFiles
  readonly outputs: OutputFiles
  readonly checks: DatabaseChecks
  readonly openFiles: OpenFiles
  readonly latch: HaltLatch
  /** null: no service is configured, the bot is stopped and started by hand. */
  readonly service: Service | null
  readonly notifiers: readonly Notifier[]
  readonly capture: CaptureAccess
}

/** The capture of this database: the process that runs, or, where none does, ourselves while we hold its lock. */
export interface CaptureAccess {
  /** Who captures now. `pid` null: nobody; then `control` works from the files at rest. @throws CAPTURE_SILENT */
  reach(): Promise<{ readonly pid: number | null; readonly control: CaptureControl }>
}

/** The user's own invariant: a statement and what its first value must be. */
export interface UserCheck {
  readonly name: string
  readonly sql: string
  readonly equals: string | number
}

export interface RunSettings {
  readonly system: string
  readonly database: string
  /** Where evidence of this run goes, if it is on the database's file system. */
  readonly evidenceFolder: string
  readonly stopTimeoutMs: number
  readonly integrity: 'quick' | 'full'
  readonly checks: readonly UserCheck[]
  /** Regular expressions: a line of the bot's log that matches one means that it met damage. */
  readonly logPatterns: readonly string[]
}

export type Mode = 'live' | 'dry-run' | 'drill'

export interface Scope {
  readonly runId: string
  readonly scenario: string
  readonly mode: Mode
  readonly settings: RunSettings
  /** What the steps before this one found out. */
  readonly facts: Partial<RunFacts>
  /** This step began before and its end is not known: the process died in it. */
  readonly interrupted: boolean
  /** Shown while a step works: "restored 312 of 676 MiB". */
  readonly progress: (text: string) => void
}

export interface StepResult {
  readonly outcome: 'done' | 'skipped' | 'failed' | 'unknown'
  /** One sentence with the reason and the figures. */
  readonly because: string
  /** What later steps and the report need. */
  readonly evidence: Partial<RunFacts>
  /** What this step was to prove and could not. */
  readonly notProven?: readonly string[]
}

type PortName = keyof RunbookPorts

export interface Step<Name extends PortName = PortName> {
  readonly name: string
  readonly phase: 'immediate' | 'recovery' | 'validation'
  /** The mission's own words for it. */
  readonly title: string
  readonly does: string
  /** Why repeating it after a crash in the middle is safe. */
  readonly repeat: string
  /** How it is undone, or why it is not. */
  readonly undo: string
  /** Its failure is recorded, and the run goes on. */
  readonly optional?: boolean
  readonly needs: readonly Name[]
  /** Looks only, and says what `act` would do. */
  foresee(ports: Pick<RunbookPorts, Name>, scope: Scope): Promise<StepResult>
  act(ports: Pick<RunbookPorts, Name>, scope: Scope): Promise<StepResult>
}

/** Gives a step its type, so that it may touch the ports that it names and no others. */
export function step<Name extends PortName>(definition: Step<Name>): Step<Name> {
  return definition
}

export interface Probe<Name extends PortName = PortName> {
  readonly name: string
  /** The mission's own words. */
  readonly title: string
  readonly asks: string
  readonly needs: readonly Name[]
  /** Looks only. `found` null: it could not be told. */
  look(ports: Pick<RunbookPorts, Name>, settings: RunSettings): Promise<Finding>
}

export interface Finding {
  readonly found: boolean | null
  readonly because: string
}

export function probe<Name extends PortName>(definition: Probe<Name>): Probe<Name> {
  return definition
}

export interface Runbook {
  readonly scenario: string
  readonly title: string
  /** Ceilings, ms. */
  readonly rto: number
  readonly rpo: number
  readonly automation: 'full' | 'partial'
  readonly detectedWhen: readonly Probe[]
  readonly steps: readonly Step[]
  /** The mission's validation bullets, each with the check that shows it. */
  readonly validation: readonly { readonly bullet: string; readonly check: string; readonly by: string }[]
}
