/**
 * What the log has of commits behind a restore point: those of the generation that it has now, and, where it began anew once since then, those
 * of the former one that are not overwritten yet.
 */
import type { DatabaseBytes } from '../ports/live-database.ts'
import { type Frame, lacksChecksum, startOf, storedChecksum, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset, type WalHeader } from '../wal/header.ts'
import type { Base } from './base-scan.ts'
import { countMarksFrom, followFrames, indexFrames, readFrames } from './wal-tail.ts'

interface Former {
  readonly from: WalPosition
  readonly frames: number
}

export interface LogBehind {
  /** Between the point and the end of the former generation; null: nothing was committed there, or the point is of the present one. */
  readonly former: Former | null
  /** Where it goes on in the generation that it has now. */
  readonly place: WalPosition
}

/** Nothing was committed behind; `frames`: of the log as it is now. */
export function nothingBehind({ former, place }: LogBehind, frames: number): boolean {
  return former === null && place.frames === frames
}

/** Every committed frame behind, in order; `frames`: of the log as it is now. @throws as readFrames, also when the former ones were overwritten since */
export function readBehind(
  bytes: DatabaseBytes,
  { former, place }: LogBehind,
  frames: number,
  onFrame: (frame: Frame, page: Uint8Array, after: WalPosition) => void,
): void {
  if (former !== null) readFrames(bytes, former.from, former.frames, onFrame)
  readFrames(bytes, place, frames, onFrame)
}

/**
 * Behind `end`, where the log of a database ended that has begun its next generation since, to which `base` belongs. It did so with all of its
 * commits in the file, and what it has since overwrote nothing from `end` on: so these are all that there were, unless a limit of its size cut it
 * right there (`mayBeCut`). null: it cannot be proven which there were.
 */
export function behindFormer(
  bytes: DatabaseBytes,
  base: Base & { readonly place: WalPosition },
  end: WalPosition,
): { readonly behind: LogBehind; readonly mayBeCut: boolean } | null {
  const { committed, chained } = followFrames(bytes, end)
  const offset = frameOffset(chained, end.header.pageSize)
  const next = new Uint8Array(frameHeaderBytes + end.header.pageSize)
  const count = bytes.readWal(offset, next)
  // A file that ends within a frame was cut, or somebody writes there right now.
  if (count > 0 && (count < next.length || mayCommit(next, end.header) || countMarksFrom(bytes, end.header, offset) > 0)) return null
  const former = committed === end.frames ? null : { from: end, frames: committed }
  const place = startOf(base.place.header)
  return former === null || lastWasCommitted(bytes, base, former) ? { behind: { former, place }, mayBeCut: count === 0 } : null
}

/**
 * A bot that dies when it has written all frames of a commit, and has not told the others, leaves one that nobody believes who had the database
 * open then; the next commit overwrites it, or begins the log anew before it. So the file must have what the last one wrote.
 */
function lastWasCommitted(bytes: DatabaseBytes, base: Base & { readonly place: WalPosition }, former: Former): boolean {
  const { header, frames } = base.place
  const since = (base.index ?? indexFrames(bytes, startOf(header), frames)).offsets
  let pages = new Map<number, Uint8Array>()
  let ended = false
  readFrames(bytes, former.from, former.frames, ({ pageNumber, commitPages }, page) => {
    if (ended) pages = new Map()
    ended = commitPages > 0
    pages.set(pageNumber, page.slice())
  })
  const inFile = new Uint8Array(base.pageSize)
  for (const [page, content] of pages) {
    if (page > base.pages || since.has(page)) continue
    inFile.fill(0, bytes.readDatabase((page - 1) * base.pageSize, inFile))
    if (Buffer.compare(inFile, content) !== 0) return false
  }
  return true
}

/** A frame that does not follow by its checksum may be a commit all the same: one without a checksum, or one that overwrote what was there. */
function mayCommit(frame: Uint8Array, { salt1 }: WalHeader): boolean {
  const newerBy = (storedChecksum(frame).salt1 - salt1) >>> 0
  return lacksChecksum(frame) || (newerBy > 0 && newerBy < 0x80000000)
}
