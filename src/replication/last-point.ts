/** The newest restore point of a timeline, and where the log goes on after it. */
import type { LtxHeader } from '../ltx/header.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { CatalogueTimeline } from '../replica/catalogue.ts'
import { restorePoints } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { scanFrames, startOf, storedChecksum, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset, type WalHeader, walHeaderBytes } from '../wal/header.ts'
import type { Base } from './base-scan.ts'

export interface LastPoint {
  readonly txid: number
  readonly rolling: bigint | null
  /** Bytes. */
  readonly pageSize: number
  /** The first salt of the log that it was read from; SQLite mostly counts it up when the log begins anew. 0: from no log. */
  readonly walSalt1: number
  /** Where the log as it is now goes on after it; null when that cannot be proven. */
  readonly place: WalPosition | null
  /** The log's file ends right behind the published frame: commits that stood there may have been cut off, if a limit is exactly that. */
  readonly mayBeCut: boolean
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
  const file = restorePoints(timeline.files).findLast((point) => point.maxTxid === timeline.latestTxid)
  if (file === undefined) return null
  const header = await readHeader(store, file.key)
  const found = placeInLog(bytes, base, header)
  return {
    txid: file.maxTxid,
    rolling: decodeRestorePoint(header.reserved)?.postApply ?? null,
    pageSize: header.pageSize,
    walSalt1: header.walSalt1,
    databasePages: header.commit,
    lastCommitMs: header.timestampMs,
    place: found?.place ?? null,
    mayBeCut: found?.mayBeCut ?? false,
  }
}

/**
 * Where the log goes on after the published file. Its last frame must be in the log's file, with salts and checksum. Then either it belongs
 * to the generation that goes on; or the log began anew exactly once since (SQLite counts salt-1 up by one then), has not overwritten that
 * frame, and no commit stands behind it. A log that was cut shorter (TRUNCATE, journal_size_limit) does not have the frame, or ends within
 * the next one, and proves nothing. One that ends right behind it mostly never was longer; whoever can compares the database too.
 */
export function placeInLog(
  bytes: DatabaseBytes,
  { place }: Base,
  published: LtxHeader,
): { readonly place: WalPosition; readonly mayBeCut: boolean } | null {
  const known = decodeRestorePoint(published.reserved)?.frameChecksum ?? null
  if (known === null || place === null) return null
  const { header } = place
  const frames = (published.walOffset + published.walSize - walHeaderBytes) / (frameHeaderBytes + published.pageSize)
  if (!Number.isInteger(frames) || frames < 1 || header.pageSize !== published.pageSize) return null
  const former: WalHeader = { ...header, salt1: published.walSalt1, salt2: published.walSalt2 }
  const end: WalPosition = { header: former, frames, checksum: { s1: Number(known >> 32n), s2: Number(known & 0xffffffffn) } }
  if (!endsAt(bytes, end)) return null
  if (header.salt1 === former.salt1 && header.salt2 === former.salt2) {
    return frames <= place.frames ? { place: { ...end, header }, mayBeCut: false } : null
  }
  const restartedOnce = header.salt1 === (former.salt1 + 1) >>> 0
  const follows = restartedOnce && place.frames < frames ? whatFollows(bytes, end) : 'commits'
  return follows === 'commits' ? null : { place: startOf(header), mayBeCut: follows === 'the end of the file' }
}

/** The frame before `end` is the one that was published. */
function endsAt(bytes: DatabaseBytes, { header, frames, checksum }: WalPosition): boolean {
  const buffer = new Uint8Array(frameHeaderBytes)
  if (bytes.readWal(frameOffset(frames - 1, header.pageSize), buffer) < buffer.length) return false
  const stored = storedChecksum(buffer)
  return stored.salt1 === header.salt1 && stored.salt2 === header.salt2 && stored.s1 === checksum.s1 && stored.s2 === checksum.s2
}

/** What stands after `end`: a commit of the former generation, or of a newer one where it would be; nothing of these; or nothing at all. */
function whatFollows(bytes: DatabaseBytes, end: WalPosition): 'commits' | 'no commit' | 'the end of the file' {
  const buffer = new Uint8Array(frameHeaderBytes + end.header.pageSize)
  for (let place = end; ; ) {
    const count = bytes.readWal(frameOffset(place.frames, end.header.pageSize), buffer)
    if (count === 0) return 'the end of the file'
    if (count < buffer.length) return 'commits'
    const newerBy = (storedChecksum(buffer).salt1 - end.header.salt1) >>> 0
    if (newerBy > 0 && newerBy < 0x80000000) return 'commits'
    let commits = false
    const next = scanFrames(place, buffer, (frame) => {
      commits = frame.commitPages > 0
    })
    if (next.frames === place.frames) return 'no commit'
    if (commits) return 'commits'
    place = next
  }
}
