/** Where journals of runs live: one append-only file a run. */
export interface JournalStore {
  /** Ids of the runs that have a journal, oldest first. */
  list(): Promise<readonly string[]>
  /** Whole content; null when there is none. */
  read(runId: string): Promise<Uint8Array | null>
  /**
   * Resolves when `bytes` are durable at the end of the journal of `runId`, which is created with its folder if need be.
   * If we die here: any prefix of `bytes` may be there. @throws DISK_FULL, IO_FAILED
   */
  append(runId: string, bytes: Uint8Array): Promise<void>
  /** Cuts a torn tail: the journal is `sizeBytes` long, durably, when resolved. */
  truncate(runId: string, sizeBytes: number): Promise<void>
  /**
   * Takes the one lock over all runs of this system; it ends with the process that took it, however that dies.
   * null when another process holds it.
   */
  lock(): Promise<RunLock | null>
}

export interface RunLock {
  release(): Promise<void>
}
