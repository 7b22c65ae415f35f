/** The database as files on disk: for the recovery, which sets aside and puts in place, and never overwrites. */
import type { FileIdentity } from './live-database.ts'

export interface DatabaseFiles {
  /** null when nothing is there. */
  stat(path: string): Promise<FileFacts | null>
  /**
   * Renames the database, its -wal, its -shm and its -journal (what is there of them) into `folder`, database first; durable when resolved.
   * If we die here: some are moved, some not. Safe to repeat: yes, because what was moved is no longer at `path`, and a name
   * that is taken in `folder` is refused (OUTPUT_EXISTS) rather than replaced.
   */
  setAside(path: string, folder: string): Promise<readonly string[]>
  /**
   * The opposite of `setAside`: 'back' when every file of the database that is in `folder` has its name again, durably, log first;
   * 'taken' when something stands at one of the names: nothing was replaced, and what was not given its name is in `folder`.
   * If we die here: some have their names again, the others are in `folder`.
   */
  putBack(path: string, folder: string): Promise<'back' | 'taken'>
  /**
   * Gives `temporary` the owner, group and mode of `like` (when given) and the name `path`, durably.
   * @throws OUTPUT_EXISTS when something is at `path`, or is named as a log of it; OWNERSHIP_LOST when owner, group or mode cannot be set; nothing has moved then.
   */
  place(temporary: string, path: string, like: FileFacts | null): Promise<void>
  /** Writes `bytes` to a file that must not exist; durable when resolved. */
  writeNew(path: string, bytes: Uint8Array): Promise<void>
  /** The size of each regular file directly in `folder`, and its hash. */
  hashFolder(folder: string): Promise<readonly HashedFile[]>
  /** Removes a temporary file of ours and its -wal, -shm and -journal; nothing there is fine. */
  removeTemporary(path: string): Promise<void>
  /** Folder for evidence on the same file system as `path`: `preferred` when it is, otherwise one beside the database. */
  evidenceFolder(path: string, preferred: string): Promise<string>
}

export interface FileFacts extends FileIdentity {
  readonly sizeBytes: number
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export interface HashedFile {
  readonly name: string
  readonly sizeBytes: number
  /** In hex; null: the disk does not give all of it, and `because` says why. */
  readonly sha256: string | null
  readonly because?: string
}
