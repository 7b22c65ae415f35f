/** What a capture is given, and where it stands once it is attached. */
import type { CaptureState, UnprovenPages } from '../ports/capture-state.ts'
import type { KeptRot, Rot } from '../ports/kept-rot.ts'
import type { KeptSums } from '../ports/kept-sums.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import type { LogFile } from '../ports/log-file.ts'
import type { RecoveryMemory } from '../ports/recovery-memory.ts'
import type { PageSums } from '../replica/page-sums.ts'
import type { Base } from './base-scan.ts'
import type { TimelineWorld } from './begin-timeline.ts'
import type { CaptureEvent } from './capture-event.ts'
import type { DesertedWorld } from './deserted-log.ts'
import type { ResumeDecision } from './resume.ts'

export interface CaptureWorld extends TimelineWorld, DesertedWorld {
  readonly openDatabase: () => LiveDatabase
  /** Called while this process does not have the database open. null: there is no log. To be closed. @throws IO_FAILED */
  readonly openLog: () => LogFile | null
  readonly state: CaptureState
  readonly keptSums: KeptSums
  readonly keptRot: KeptRot
  /** What recoveries of this database did and did not finish. */
  readonly unfinished: Pick<RecoveryMemory, 'read'>
  readonly onEvent: (event: CaptureEvent) => void
  readonly flushIntervalMs: number
  /** In which every page of the file is looked at once. */
  readonly scrubTurnMs: number
}

export interface Attached {
  readonly database: LiveDatabase
  readonly timeline: string
  readonly timelineId: string
  /** Captured and published up to here. */
  readonly base: Base
  /** What every page must be as of `txid`. */
  readonly sums: PageSums
  readonly txid: number
  readonly lastCommitMs: number
  readonly decision: ResumeDecision['do']
  /** Commits that stood in the log and could not be read when the database was opened; null: none did. */
  readonly unread: string | null
  /** Pages that the newest diff took from the file, by this attach or a former one; null: none did. */
  readonly unproven: UnprovenPages | null
  /** What a scrub of a former life found damaged. */
  readonly rot: Rot
}

export type Settled = Omit<Attached, 'unread'>
