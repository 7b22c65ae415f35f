/**
 * The one process that captures a database, as others ask it for things. Each may throw CAPTURE_SILENT (it holds its lock but does not
 * answer) or CAPTURE_STUCK (it could not do it, and says why).
 */
import type { UnprovenPages } from './capture-state.ts'

export interface CaptureControl {
  position(): Promise<CapturePosition>
  /** Everything committed at the time of asking is durable in the replica, or the outcome says why not. Safe to repeat: yes. */
  drain(): Promise<DrainOutcome>
  /** Looks at every page of the database file now: is it what was committed last? Reads only. Safe to repeat: yes. */
  scrub(): Promise<ScrubOutcome>
  /** Pins and connections are dropped; nothing is published until `resume`. Safe to repeat: yes. */
  letGo(): Promise<void>
  /** Attaches again; with `fork`, on a new timeline that begins at this restore point. Safe to repeat: yes, the same fork is found again. */
  resume(fork: CaptureFork | null): Promise<DrainOutcome>
}

/** The same of a database that no process captures. */
export type CaptureAtRest = Omit<CaptureControl, 'position'>

export interface CaptureFork {
  readonly timeline: string
  readonly txid: number
}

export interface CapturePosition {
  readonly state: 'attaching' | 'capturing' | 'let-go'
  readonly pid: number
  readonly database: string
  readonly replica: string
  readonly timeline: string
  /** Newest txid that is durable in the replica. */
  readonly txid: number
  /** When the newest published commit was seen: ms since the epoch. */
  readonly lastCommitMs: number
  /** Commits that are read but not yet durable in the replica. */
  readonly pendingCommits: number
  /** Age of the oldest of them, ms; 0 when there is none. */
  readonly lagMs: number
  readonly walBytes: number
  /** The file lacks some of the log, so that SQLite cannot begin it anew. */
  readonly walUnfinished: boolean
  /** Since when the log is large and unfinished, ms since the epoch; null: it is not. */
  readonly walLargeSinceMs: number | null
  /** When and why the pin was given up last by this process; null: never. */
  readonly gaveUp: GaveUp | null
  /** What the newest diff took from the file; null: none did, or not attached. */
  readonly unproven: UnprovenPages | null
  readonly moved: readonly ('database' | 'wal' | 'shm')[]
  /** Why not all is well with the copying: the store, our checkpoints, or locks that are not proven; null: it is. */
  readonly trouble: string | null
  /** What is wrong with the database by what we read, null when nothing is. */
  readonly damage: string | null
  /** null: not attached. */
  readonly scrub: ScrubFacts | null
  /** No commit since the attach can have been missed. */
  readonly continuous: boolean
}

/** How far the pages of the file on the disk were looked at. */
export interface ScrubFacts {
  /** 'page cache only': the file system does not read past its cache, so that damage on the disk shows when the file is read anew. */
  readonly reads: 'direct' | 'page cache only'
  /** Of the turn under way, or of the one that ended: pages that could be judged. */
  readonly judged: number
  /** Pages that were written anew meanwhile, and could not. */
  readonly waiting: number
  /** Pages that there are now, or were when that turn ended. */
  readonly of: number
  /** ms since the epoch: when the last turn through all pages ended; null: none has. */
  readonly turnEndedMs: number | null
  /** How long ago that is, ms. */
  readonly turnAgeMs: number | null
  /** How long it took, ms. */
  readonly turnTookMs: number | null
  /** Pages that are not what was committed, ascending. */
  readonly damaged: readonly number[]
}

export interface ScrubOutcome extends ScrubFacts {
  /** Newest restore point when it was asked. */
  readonly txid: number
  /** Why the pages could not be judged; null: they were. */
  readonly because: string | null
}

export interface GaveUp {
  readonly atMs: number
  /** When the database was followed again; null: it is not yet. */
  readonly untilMs: number | null
  readonly because: string
}

export interface DrainOutcome {
  readonly timeline: string
  readonly txid: number
  readonly lastCommitMs: number
  /** Everything committed is durable in the replica. */
  readonly complete: boolean
  readonly because: string
}
