/**
 * Reading a live log up to its last commit.
 * The order that matters: the header is read before and after SQLite is asked for the end. A writer that begins a new generation
 * writes the header before it commits the first frame, so equal headers mean that the answer belongs to that generation.
 */
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import type { DatabaseBytes, DatabaseLocks, WalEnd } from '../ports/live-database.ts'
import { decodeDatabaseHeader } from '../wal/database-header.ts'
import { countCommitMarks, type Frame, type LogShape, lacksChecksum, scanFrames, startOf, type WalPosition } from '../wal/frames.ts'
import { decodeWalHeader, frameHeaderBytes, frameOffset, sameGeneration, type WalHeader, walHeaderBytes } from '../wal/header.ts'

export interface LogEnd extends WalEnd {
  /** null while the log has no valid header: then `frames` is 0. */
  readonly header: WalHeader | null
}

export function readWalHeader(bytes: Pick<DatabaseBytes, 'readWal'>): WalHeader | null {
  const buffer = new Uint8Array(walHeaderBytes)
  return decodeWalHeader(buffer.subarray(0, bytes.readWal(0, buffer)))
}

/** @throws WAL_DAMAGED when committed frames have no header to belong to. */
export function findLogEnd(locks: DatabaseLocks, bytes: DatabaseBytes): LogEnd {
  let before = readWalHeader(bytes)
  for (let attempt = 0; attempt < 100; attempt++) {
    const end = locks.walEnd()
    const header = readWalHeader(bytes)
    if (sameGeneration(before, header)) {
      if (header !== null) return { ...end, header }
      if (end.frames === 0) return { frames: 0, backfilled: 0, header: null }
      throw walDamaged(`SQLite counts ${end.frames} committed frames in the log, but its file has no valid header`)
    }
    before = header
  }
  throw walDamaged('the header of the log was a different one at each of 100 looks')
}

/** Chosen: one read is at most this long; larger ones are no faster and cost memory. */
const readBytes = 4 * 1024 * 1024
const framesPerRead = (pageSize: number): number => Math.max(1, Math.floor(readBytes / (frameHeaderBytes + pageSize)))

/**
 * The place after frame `frames` of the same generation, or earlier when `enough` said so at a commit. Frames go to `onFrame` with the
 * page's bytes, which are valid during the call only.
 * @throws WAL_DAMAGED when a committed frame does not match its checksum; WAL_UNFOLLOWED when that is because one was committed without any.
 */
export function readFrames(
  bytes: DatabaseBytes,
  from: WalPosition,
  frames: number,
  onFrame: (frame: Frame, page: Uint8Array, after: WalPosition) => void,
  enough: () => boolean = () => false,
): WalPosition {
  const { pageSize } = from.header
  const frameBytes = frameHeaderBytes + pageSize
  const perRead = framesPerRead(pageSize)
  let place = from
  let atCommit = true
  while (place.frames < frames && !(atCommit && enough())) {
    const wanted = Math.min(perRead, frames - place.frames)
    const buffer = new Uint8Array(wanted * frameBytes)
    const count = bytes.readWal(frameOffset(place.frames, pageSize), buffer)
    const reached = scanFrames(place, buffer.subarray(0, count), (frame, after) => {
      onFrame(frame, buffer.subarray(frame.pageOffset, frame.pageOffset + pageSize), after)
      atCommit = frame.commitPages > 0
    })
    if (reached.frames < place.frames + wanted) {
      throw unprovable(bytes, reached, frames)
    }
    place = reached
  }
  return place
}

/** Why the committed frame after `place` cannot be believed by its checksum. */
function unprovable(bytes: DatabaseBytes, { header, frames: at }: WalPosition, of: number): DrError {
  const first = new Uint8Array(100)
  const head = new Uint8Array(frameHeaderBytes)
  const lacksAt = (frame: number): boolean =>
    frame >= 0 && bytes.readWal(frameOffset(frame, header.pageSize), head) === head.length && lacksChecksum(head)
  // What follows a frame without a checksum cannot be proven by that either.
  if (!lacksAt(at) && !lacksAt(at - 1)) return walDamaged(`frame ${at + 1} of ${of} committed ones does not match its checksum`)
  bytes.readDatabase(0, first)
  const sqlite = decodeDatabaseHeader(first)?.sqlite ?? null
  const version = sqlite === null ? 'which version is not known' : `version ${sqlite}, by the file`
  return unfollowed(
    // Without the number of frames, which grows: what is waited for is said once.
    `from frame ${at + 1} of the log on, SQLite (${version}) committed without checksums: a crash of the machine, or the end of the bot without one of its own, loses that, or damages the file, until the log begins anew; a newer SQLite in the bot does not do this`,
  )
}

export interface RestingEnd extends LogEnd {
  /** Frames that follow each other by their checksums, committed or not. */
  readonly chained: number
}

/** The last commit of a log that nobody has open, by its own checksums, as SQLite's recovery finds it. */
export function findRestingEnd(bytes: Pick<DatabaseBytes, 'readWal'>): RestingEnd {
  const header = readWalHeader(bytes)
  if (header === null) return { frames: 0, backfilled: 0, header: null, chained: 0 }
  const { committed, chained } = followFrames(bytes, startOf(header))
  return { frames: committed, backfilled: 0, header, chained }
}

/** Frames before the end of the last commit, and of all that follow by their checksums; both are those of `from` when none does. */
export function followFrames(
  bytes: Pick<DatabaseBytes, 'readWal'>,
  from: WalPosition,
): { readonly committed: number; readonly chained: number } {
  const { pageSize } = from.header
  const perRead = framesPerRead(pageSize)
  const buffer = new Uint8Array(perRead * (frameHeaderBytes + pageSize))
  let committed = from.frames
  for (let place = from; ; ) {
    const count = bytes.readWal(frameOffset(place.frames, pageSize), buffer)
    const reached = scanFrames(place, buffer.subarray(0, count), (frame, after) => {
      if (frame.commitPages > 0) committed = after.frames
    })
    if (reached.frames - place.frames < perRead) return { committed, chained: reached.frames }
    place = reached
  }
}

/** Frames from that byte on, which one begins at, that say of themselves that they end a transaction of this log. No checksum is looked at. */
export function countMarksFrom(bytes: Pick<DatabaseBytes, 'readWal'>, shape: LogShape, offset: number): number {
  const buffer = new Uint8Array(framesPerRead(shape.pageSize) * (frameHeaderBytes + shape.pageSize))
  let marks = 0
  for (let at = offset; ; at += buffer.length) {
    const count = bytes.readWal(at, buffer)
    marks += countCommitMarks(shape, buffer.subarray(0, count))
    if (count < buffer.length) return marks
  }
}

/** Last frame of each page, from the first frame to `end`, for reading the database as of that place. */
export function indexFrames(bytes: DatabaseBytes, from: WalPosition, end: number): FrameIndex {
  const offsets = new Map<number, number>()
  let pages = 0
  const pageSize = from.header.pageSize
  const place = readFrames(bytes, from, end, (frame, _page, after) => {
    offsets.set(frame.pageNumber, frameOffset(after.frames - 1, pageSize) + frameHeaderBytes)
    if (frame.commitPages > 0) pages = frame.commitPages
  })
  return { offsets, pages, place }
}

export interface FrameIndex {
  /** Page number -> byte offset of its newest content in the log. */
  readonly offsets: ReadonlyMap<number, number>
  /** Pages in the database after the last of the commits, 0 when there was none. */
  readonly pages: number
  readonly place: WalPosition
}

export function readWalPage(bytes: DatabaseBytes, offset: number, into: Uint8Array): void {
  const count = bytes.readWal(offset, into)
  if (count < into.length) throw walDamaged(`the log ends ${into.length - count} bytes before the page at ${offset} does`)
}

export function walDamaged(what: string): DrError {
  return new DrError('WAL_DAMAGED', {
    what,
    untouched: 'The database was not touched; nothing of this was published.',
    next: 'Run: genesis-dr execute --scenario DATABASE_CORRUPTION',
  })
}

/** What the log proves is not enough to go on. The host answers it with a new attach. */
export function unfollowed(what: string): DrError {
  return new DrError('WAL_UNFOLLOWED', {
    what,
    untouched: 'Nothing of that was taken from the log; what was published stays.',
    next: 'The capture compares the whole database with the replica by itself, and goes on from there.',
  })
}

export function headerOf(end: LogEnd): WalHeader {
  return must(end.header, 'a log with frames has a header')
}
