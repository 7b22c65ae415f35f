/**
 * The one process that captures a database, as others ask it for things. Each may throw CAPTURE_SILENT (it holds its lock but does not
 * answer) or CAPTURE_STUCK (it could not do it, and says why).
 */
export interface CaptureControl {
  position(): Promise<CapturePosition>
  /** Everything committed at the time of asking is durable in the replica, or the outcome says why not. Safe to repeat: yes. */
  drain(): Promise<DrainOutcome>
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
  readonly moved: readonly ('database' | 'wal' | 'shm')[]
  /** Why the store does not take our flushes, null when it does. */
  readonly trouble: string | null
  /** What is wrong with the database by what we read, null when nothing is. */
  readonly damage: string | null
  /** No commit since the attach can have been missed. */
  readonly continuous: boolean
}

export interface DrainOutcome {
  readonly timeline: string
  readonly txid: number
  readonly lastCommitMs: number
  /** Everything committed is durable in the replica. */
  readonly complete: boolean
  readonly because: string
}
