/**
 * Commits that stand in a log behind a frame that does not match its checksum. SQLite's recovery, as ours, ends before that frame and is silent
 * about them, and the next commits overwrite them. A transaction that was torn leaves no mark of a commit behind the tear; one mark may still be
 * of a bot that died inside of COMMIT, and whose place a shorter one took.
 */
import { isDrError } from '../errors.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { LogFile } from '../ports/log-file.ts'
import { countCommitMarks } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset } from '../wal/header.ts'
import { findRestingEnd } from './wal-tail.ts'

export interface Unread {
  /** Counted from 1: the first frame that does not follow. */
  readonly frame: number
  /** At least so many: those whose own mark can still be read. */
  readonly commits: number
  /** Where that frame begins in the log. */
  readonly offset: number
}

/** Chosen: as the other readers of a log. */
const readBytes = 4 * 1024 * 1024

/** Of a log that nobody writes to. null: nothing stands behind its end. */
export function findUnread(bytes: Pick<DatabaseBytes, 'readWal'>): Unread | null {
  const { header, chained } = findRestingEnd(bytes)
  if (header === null) return null
  const frameBytes = frameHeaderBytes + header.pageSize
  const buffer = new Uint8Array(Math.max(1, Math.floor(readBytes / frameBytes)) * frameBytes)
  let commits = 0
  for (let offset = frameOffset(chained + 1, header.pageSize); ; offset += buffer.length) {
    const count = bytes.readWal(offset, buffer)
    commits += countCommitMarks(header, buffer.subarray(0, count))
    if (count < buffer.length) break
  }
  return commits === 0 ? null : { frame: chained + 1, commits, offset: frameOffset(chained, header.pageSize) }
}

export function unreadText({ frame, commits }: Unread): string {
  const behind = `in the log behind frame ${frame}, which does not match its checksum, and cannot be read`
  return commits === 1 ? `a commit stands ${behind} (its bot may have died inside of it)` : `at least ${commits} commits stand ${behind}`
}

/** What is told of the commits that cannot be read, of which a copy is kept before SQLite opens the log; null: there are none. */
export async function keepUnread(openLog: () => LogFile | null): Promise<string | null> {
  const log = openLog()
  if (log === null) return null
  try {
    const unread = findUnread(log)
    // A bot that writes meanwhile has moved on.
    if (unread === null || findUnread(log)?.frame !== unread.frame) return null
    return `${unreadText(unread)}: ${await kept(log, unread)}`
  } finally {
    log.close()
  }
}

async function kept(log: LogFile, { offset }: Unread): Promise<string> {
  try {
    return `the log as it was is kept in ${await log.keep(offset)}`
  } catch (error) {
    if (!isDrError(error, 'DISK_FULL', 'IO_FAILED')) throw error
    return `it is not kept: ${error.message}`
  }
}
