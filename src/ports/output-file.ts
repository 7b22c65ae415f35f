/** A file that a restore writes, beside the place where it will stand. */
import type { FileFacts } from './database-files.ts'

export interface OutputFiles {
  /**
   * A new empty file. If we die later: it stays, named as a temporary file of ours; `removeTemporary` of DatabaseFiles removes it.
   * @throws OUTPUT_EXISTS, DISK_FULL, IO_FAILED
   */
  create(path: string): OutputFile
  /** Bytes that may still be written to the file system that would hold `path`. @throws IO_FAILED */
  freeBytes(path: string): number
  /** Why a new file of ours could not take the place of one at `path` with owner, group and mode of `like`; null: it could. Leaves nothing behind. */
  whyNotLike(path: string, like: Pick<FileFacts, 'uid' | 'gid' | 'mode'>): Promise<string | null>
}

/** Synchronous: a restore writes megabytes a call, and order is all that matters. Every method may throw DISK_FULL or IO_FAILED. */
export interface OutputFile {
  write(offset: number, bytes: Uint8Array): void
  /** Exactly `sizeBytes` long; what was never written is zeros. */
  resize(sizeBytes: number): void
  /** Contents are durable when it returns. */
  sync(): void
  close(): void
}
