/** Who has a file open, by inode: the proof that a bot is stopped. */
import type { FileIdentity } from './live-database.ts'

export interface OpenFiles {
  /**
   * Processes that have one of `files` open, from every mount namespace, ours included.
   * `complete: false` when some process could have one open without being seen: then nobody found proves nothing.
   */
  holders(files: readonly FileIdentity[]): Promise<Holders>
  /**
   * The -wal and -shm files that processes have open beside `database`, by the name by which they have that open; of those that may be looked
   * into. Deleted ones are left out.
   */
  logsBeside(database: FileIdentity): Promise<readonly OpenLog[]>
}

/** `path`: as its process sees it. */
export interface OpenLog extends Holder, FileIdentity {
  readonly path: string
}

export interface Holders {
  readonly processes: readonly Holder[]
  readonly complete: boolean
  /** Why it is not complete, or how it was found. */
  readonly because: string
}

export interface Holder {
  readonly pid: number
  /** Program, and script behind an interpreter, cut to 200 characters. No other arguments: they may hold secrets. */
  readonly command: string
}
