/**
 * What a runbook is: one value that feeds the engine, the document, the dry run, the approval prompt and the screen.
 * The compiler refuses a step that does not say what it does, what repeating it comes to, and its undo or why there is none.
 */
import type { Config, UserCheck } from '../config.ts'
import type { CaptureAtRest, CaptureControl } from '../ports/capture-control.ts'
import type { Clock } from '../ports/clock.ts'
import type { DatabaseChecks } from '../ports/database-checks.ts'
import type { DatabaseFiles } from '../ports/database-files.ts'
import type { HaltLatch } from '../ports/halt-latch.ts'
import type { KeptSums } from '../ports/kept-sums.ts'
import type { FileIdentity, RestingDatabases } from '../ports/live-database.ts'
import type { Notifier } from '../ports/notifier.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { OpenFiles } from '../ports/open-files.ts'
import type { OutputFiles } from '../ports/output-file.ts'
import type { RecoveryMemory } from '../ports/recovery-memory.ts'
import type { Service } from '../ports/service.ts'
import type { OlderFacts } from '../replication/capture-event.ts'
import type { JsonObject, Outcome } from '../workflow/record.ts'
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
  /** For what was set aside. */
  readonly resting: RestingDatabases
  /** What recoveries of this database did and did not finish. */
  readonly unfinished: RecoveryMemory
  /** What the capture keeps of the pages. */
  readonly keptSums: KeptSums
}

/** The capture of this database: the process that runs, or, where none does, ourselves while we hold its lock. */
export interface CaptureAccess {
  /** Who captures now. @throws CAPTURE_SILENT when somebody does, and who is not known */
  reach(): Promise<Captor>
  /** URL of the replica that the running capture writes, where that is another than ours; null: it is ours, nobody captures, or it cannot be told. */
  otherReplica(): Promise<string | null>
  /** The file that was captured last under the path of the database: who has it open trades on, whatever stands there now. null: none is known. */
  knownFile(): Promise<FileIdentity | null>
  /** What the replica has that the database lacks, and nobody has decided about, oldest first. @throws as the store */
  older(): Promise<readonly OlderFacts[]>
  /** Id of the timeline that this very file was captured on, wherever it lies now; null: none is known. */
  timelineOf(file: FileIdentity): Promise<string | null>
}

/** A process that answers, or nobody: then there is no position to ask for, and the rest works from the files at rest. */
export type Captor = { readonly pid: number; readonly control: CaptureControl } | { readonly pid: null; readonly control: CaptureAtRest }

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
  readonly contacts: Config['contacts']
  readonly links: Config['links']
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
  /** Ids of all runs that have a journal here, this one included. */
  readonly runs: readonly string[]
  /** Shown while a step works: "restored 312 of 676 MiB". */
  readonly progress: (text: string) => void
}

export interface StepResult {
  readonly outcome: Outcome
  /** One sentence with the reason and the figures. */
  readonly because: string
  /** What later steps and the report need. */
  readonly evidence: Partial<RunFacts>
  /** What this step was to prove and could not. */
  readonly notProven?: readonly string[]
}

type PortName = keyof RunbookPorts

/**
 * What acting once more after a crash in the middle comes to. 'reads': nothing was changed, so nothing is repeated. 'idempotent': what was
 * done is found done, or does no harm when it is done twice. 'probeable': the world can be asked whether it was done, and is, before it is
 * done again. 'once': it cannot be asked, so a person decides.
 */
export interface Effect {
  readonly kind: 'reads' | 'idempotent' | 'probeable' | 'once'
  readonly because: string
}

/** How a step is undone, or why it is not. */
export type Undo = { readonly does: string } | { readonly none: string }

export interface Step<Name extends PortName = PortName> {
  readonly name: string
  readonly phase: 'immediate' | 'recovery' | 'validation'
  /** The mission's own words for it. */
  readonly title: string
  readonly does: string
  readonly effect: Effect
  readonly undo: Undo
  /** Its failure is recorded, and the run goes on. */
  readonly optional?: boolean
  readonly needs: readonly Name[]
  /**
   * For what is only proven, and not done: asked when a run is gone on with by another process, true when it is to be proven again,
   * because the bot may have been started while nobody watched.
   */
  expired?(ports: Pick<RunbookPorts, Name>, scope: Scope): Promise<boolean>
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
  /** What was found was committed by somebody: a recovery gives up all that came after it. Absent: it was not, or that is not known. */
  readonly committed?: true
  /** Nobody configured what it would be asked of: nothing is unknown, only not looked at. */
  readonly notConfigured?: true
  /** What is wrong besides, which no recovery mends, each with what to do about it. Absent: nothing. */
  readonly troubles?: readonly string[]
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
  /** What a person asked for, of a runbook that is made for it: the journal keeps it, and the same runbook can be made again. */
  readonly options: JsonObject
  readonly detectedWhen: readonly Probe[]
  readonly steps: readonly Step[]
  /** The mission's validation bullets, each with the check that shows it. */
  readonly validation: readonly { readonly bullet: string; readonly check: string; readonly by: string }[]
}
