/** The newest restore point of a timeline, and where the log goes on after it. */
import { isDrError } from '../errors.ts'
import type { LtxHeader } from '../ltx/header.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { CatalogueTimeline } from '../replica/catalogue.ts'
import { restorePoints } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { storedChecksum, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset, type WalHeader, walHeaderBytes } from '../wal/header.ts'
import type { Base } from './base-scan.ts'
import { behindFormer, type LogBehind } from './log-behind.ts'
import { readFrames } from './wal-tail.ts'

export interface LastPoint {
  readonly txid: number
  readonly rolling: bigint | null
  /** Bytes. */
  readonly pageSize: number
  /** The first salt of the log that it was read from; SQLite mostly counts it up when the log begins anew. 0: from no log. */
  readonly walSalt1: number
  /** What the log has behind it; null when that cannot be proven. */
  readonly behind: LogBehind | null
  /** The log's file ends right behind the last frame of its generation: commits that stood there may have been cut off, if a limit is exactly that. */
  readonly mayBeCut: boolean
  /** Its last frame stands in the log as it is now, which ends there or behind it: the database did not go back, provable or not. */
  readonly inLog: boolean
  readonly databasePages: number
  readonly lastCommitMs: number
}

/** null when the timeline has no restore point. @throws OBJECT_MISSING, LTX_DAMAGED, STORE_UNAVAILABLE */
export async function readLastPoint(
  store: ObjectStore,
  timeline: CatalogueTimeline,
  bytes: DatabaseBytes,
  base: Base,
): Promise<LastPoint | null> {
  const header = await readLastHeader(store, timeline)
  return header === null ? null : lastPoint(bytes, base, header)
}

/** Of the newest restore point; otherwise as readLastPoint. */
export function readLastHeader(store: ObjectStore, timeline: CatalogueTimeline): Promise<LtxHeader | null> {
  return readHeaderAt(store, timeline, timeline.latestTxid)
}

/** Of the restore point with this txid; null: the timeline has none. */
export async function readHeaderAt(store: ObjectStore, timeline: CatalogueTimeline, txid: number): Promise<LtxHeader | null> {
  const file = restorePoints(timeline.files).findLast((point) => point.maxTxid === txid)
  return file === undefined ? null : readHeader(store, file.key)
}

export function lastPoint(bytes: DatabaseBytes, base: Base, header: LtxHeader): LastPoint {
  const end = endOf(base, header)
  const found = placeInLog(bytes, base, header)
  return {
    txid: header.maxTxid,
    rolling: decodeRestorePoint(header.reserved)?.postApply ?? null,
    pageSize: header.pageSize,
    walSalt1: header.walSalt1,
    databasePages: header.commit,
    lastCommitMs: header.timestampMs,
    behind: found?.behind ?? null,
    mayBeCut: found?.mayBeCut ?? false,
    inLog: end !== null && endsWithin(base, end) && endsAt(bytes, end),
  }
}

/**
 * Where the log goes on after the published file. Its last frame must be in the log's file, with salts and checksum. Then either it belongs
 * to the generation that goes on; or the log began anew exactly once since (SQLite counts salt-1 up by one then), has not overwritten that
 * frame, and has all that was committed behind it. A log that was cut shorter (TRUNCATE, journal_size_limit) does not have the frame, or ends within
 * the next one, and proves nothing; nor does one with frames behind it that have no checksum. One that ends right behind it mostly never was
 * longer; whoever can compares the database too.
 */
export function placeInLog(
  bytes: DatabaseBytes,
  base: Base,
  published: LtxHeader,
): { readonly behind: LogBehind; readonly mayBeCut: boolean } | null {
  const { place, index } = base
  const end = endOf(base, published)
  if (place === null || end === null || !endsAt(bytes, end)) return null
  const { header } = place
  if (sameSalts(header, end.header)) {
    const after = { ...end, header }
    // With an index, all of the log was verified.
    return endsWithin(base, end) && (index !== null || goesOn(bytes, after, place.frames))
      ? { behind: { former: null, place: after }, mayBeCut: false }
      : null
  }
  const restartedOnce = header.salt1 === (end.header.salt1 + 1) >>> 0
  return restartedOnce && place.frames < end.frames ? behindFormer(bytes, { ...base, place }, end) : null
}

/** Frames of its log up to the end of what was published of it. */
export function framesUpTo({ walOffset, walSize, pageSize }: LtxHeader): number {
  return (walOffset + walSize - walHeaderBytes) / (frameHeaderBytes + pageSize)
}

/** Where the published file ends in the log that it was read from; null when that is not known, or it cannot be one of this database. */
function endOf({ place }: Base, published: LtxHeader): WalPosition | null {
  const known = decodeRestorePoint(published.reserved)?.frameChecksum ?? null
  if (known === null || place === null) return null
  const frames = framesUpTo(published)
  if (!Number.isInteger(frames) || frames < 1 || place.header.pageSize !== published.pageSize) return null
  const header: WalHeader = { ...place.header, salt1: published.walSalt1, salt2: published.walSalt2 }
  return { header, frames, checksum: { s1: Number(known >> 32n), s2: Number(known & 0xffffffffn) } }
}

const sameSalts = (a: WalHeader, b: WalHeader): boolean => a.salt1 === b.salt1 && a.salt2 === b.salt2

/** In the generation that the log has now, up to its end. */
function endsWithin({ place }: Base, end: WalPosition): boolean {
  return place !== null && sameSalts(place.header, end.header) && end.frames <= place.frames
}

/** The frame before `end` is the one that was published. */
function endsAt(bytes: DatabaseBytes, { header, frames, checksum }: WalPosition): boolean {
  const buffer = new Uint8Array(frameHeaderBytes)
  if (bytes.readWal(frameOffset(frames - 1, header.pageSize), buffer) < buffer.length) return false
  const stored = storedChecksum(buffer)
  return stored.salt1 === header.salt1 && stored.salt2 === header.salt2 && stored.s1 === checksum.s1 && stored.s2 === checksum.s2
}

/** @throws WAL_DAMAGED */
function goesOn(bytes: DatabaseBytes, from: WalPosition, frames: number): boolean {
  try {
    readFrames(bytes, from, frames, () => {})
    return true
  } catch (error) {
    if (isDrError(error, 'WAL_UNFOLLOWED')) return false
    throw error
  }
}
