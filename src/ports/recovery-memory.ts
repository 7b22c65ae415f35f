/**
 * What recoveries did to a database and did not finish, kept beside it until a bot may trade on what they left: for whoever comes next, by
 * whichever configuration, and whatever his clock says.
 */
export interface RecoveryMemory {
  /** null: none is unfinished. One that cannot be read gave up what is not known. */
  read(): Promise<UnfinishedRecovery | null>
  /** Durable when resolved; replaces the former one as a whole. @throws DISK_FULL, IO_FAILED */
  write(unfinished: UnfinishedRecovery): Promise<void>
  /** Safe to repeat: yes. If we die here: it is told once more. */
  clear(): Promise<void>
}

export interface UnfinishedRecovery {
  /** Of the newest run. */
  readonly runId: string
  /** Folders in which what stood at the path of the database was set aside, oldest first. */
  readonly evidence: readonly string[]
  /** Of the database that was set aside first; null: there was none. */
  readonly owner: FileOwner | null
  /** What was put in its place last, or was about to be; null: nothing. */
  readonly restored: { readonly timeline: string | null; readonly txid: number } | null
  /** By all of them together; null: not known. */
  readonly lostTransactions: number | null
  readonly dataLossMs: number | null
}

export interface FileOwner {
  readonly uid: number
  readonly gid: number
  readonly mode: number
}
