/**
 * Commits that stand in a log behind a frame that does not match its checksum. SQLite's recovery, as ours, ends before that frame and is silent
 * about them, and the next commits overwrite them. A transaction that was torn leaves no mark of a commit behind the tear; one mark may still be
 * of a bot that died inside of COMMIT, and whose place a shorter one took.
 */
import { isDrError } from '../errors.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { LogFile } from '../ports/log-file.ts'
import { counted } from '../units.ts'
import { type LogShape, storedChecksum } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset, walHeaderBytes } from '../wal/header.ts'
import { countMarksFrom, findRestingEnd } from './wal-tail.ts'

export interface Unread {
  /** Counted from 1: the first frame that does not follow; 0: the header of the log is none. */
  readonly frame: number
  /** At least so many: those whose own mark can still be read. */
  readonly commits: number
  /** Where that begins in the log. */
  readonly offset: number
}

/** Of a log that nobody writes to. null: nothing stands behind its end. */
export function findUnread(bytes: Pick<DatabaseBytes, 'readWal'>): Unread | null {
  const { header, chained } = findRestingEnd(bytes)
  const shape = header ?? shapeByFrames(bytes)
  if (shape === null) return null
  const frame = header === null ? 0 : chained + 1
  const commits = countMarksFrom(bytes, shape, frameOffset(frame, shape.pageSize))
  return commits === 0 ? null : { frame, commits, offset: frame === 0 ? 0 : frameOffset(frame - 1, shape.pageSize) }
}

/** Of a log whose header tells nothing: by two frames of the same salts. null: it has not so many. */
function shapeByFrames(bytes: Pick<DatabaseBytes, 'readWal'>): LogShape | null {
  const saltsAt = (offset: number) => {
    const head = new Uint8Array(frameHeaderBytes)
    return bytes.readWal(offset, head) < head.length ? null : storedChecksum(head)
  }
  const first = saltsAt(walHeaderBytes)
  if (first === null || (first.salt1 | first.salt2) === 0) return null
  for (let pageSize = 512; pageSize <= 65536; pageSize *= 2) {
    const second = saltsAt(frameOffset(1, pageSize))
    if (second?.salt1 === first.salt1 && second.salt2 === first.salt2) return { ...first, pageSize }
  }
  return null
}

export function unreadText({ frame, commits }: Unread): string {
  if (frame === 0) {
    return `the header of the log does not match its checksum: of ${counted(commits, 'commit')} that stand in it, those that the file does not have yet cannot be read`
  }
  const behind = `in the log behind frame ${frame}, which does not match its checksum, and cannot be read`
  return commits === 1 ? `a commit stands ${behind} (its bot may have died inside of it)` : `at least ${commits} commits stand ${behind}`
}

/** As `findUnread` of a log to which somebody may write: he has moved on at the second look. To be asked before SQLite opens the log. */
export function findUnreadTwice(log: Pick<DatabaseBytes, 'readWal'>): Unread | null {
  const unread = findUnread(log)
  return unread === null || findUnread(log)?.frame !== unread.frame ? null : unread
}

/**
 * What is told of commits that cannot be read, of which a copy is kept before anything is committed. `frames`: up to the last commit, as SQLite has it
 * now. null: it has them, by the -shm of a bot that lives.
 */
export async function keepUnread(log: LogFile, unread: Unread, frames: number): Promise<string | null> {
  return frames >= Math.max(1, unread.frame) ? null : `${unreadText(unread)}: ${await kept(log, unread)}`
}

async function kept(log: LogFile, { offset }: Unread): Promise<string> {
  try {
    return `the log as it was is kept in ${await log.keep(offset)}`
  } catch (error) {
    if (!isDrError(error, 'DISK_FULL', 'IO_FAILED')) throw error
    return `it is not kept: ${error.message}`
  }
}
