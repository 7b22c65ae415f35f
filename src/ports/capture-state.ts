/** What a capture remembers between two lives, in the state folder. The replica itself holds the position. */
export interface CaptureState {
  /** null when there is none, or one that cannot be read: then nothing is known about the file. */
  read(): Promise<CaptureBinding | null>
  /** Durable when resolved; replaces the former one as a whole. */
  write(binding: CaptureBinding): Promise<void>
}

/** This file (by inode and time of birth) is the database of this timeline (by id). */
export interface CaptureBinding {
  readonly path: string
  readonly device: number
  readonly inode: number
  readonly bornMs: number
  readonly replica: string
  readonly timeline: string
  readonly timelineId: string
  /** Id of a timeline that is being begun for this file from that one; null: none. */
  readonly beginning: string | null
  /** Each time that the database was found to be older than its replica, and nobody has said yet what is to become of the rest, oldest first. */
  readonly older: readonly OlderDatabase[]
  /** What the newest diff took from the file; null: none did. */
  readonly unproven: UnprovenPages | null
}

/** Pages that changed while nobody watched, and were published though no log proves that somebody committed them. */
export interface UnprovenPages {
  readonly pages: number
  /** The restore point that has them first. */
  readonly txid: number
  /** When they were taken: ms since the epoch. */
  readonly atMs: number
}

/** The replica has commits that the database lacks: on `timeline` after `txid`. */
export interface OlderDatabase {
  /** URL of that replica. */
  readonly replica: string
  readonly timeline: string
  readonly txid: number
  /** The newest point that the database may have reached: the same where it was that very point, otherwise the next one. */
  readonly reachedTxid: number
  /** When it was found: ms since the epoch. */
  readonly atMs: number
}
