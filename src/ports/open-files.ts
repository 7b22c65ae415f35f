/** Who has a file open, by inode: the proof that a bot is stopped. */
import type { FileIdentity } from './live-database.ts'

export interface OpenFiles {
  /**
   * Processes that have one of `files` open, from every mount namespace, ours included.
   * `complete: false` when some process could have one open without being seen: then nobody found proves nothing.
   */
  holders(files: readonly FileIdentity[]): Promise<Holders>
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
