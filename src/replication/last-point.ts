/** The newest restore point of a timeline, and whether its last frame is still in the log. */
import type { LtxHeader } from '../ltx/header.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { CatalogueTimeline } from '../replica/catalogue.ts'
import { restorePoints } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { checksumWord, storedChecksum, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset, walHeaderBytes } from '../wal/header.ts'
import type { Base } from './base-scan.ts'

export interface LastPoint {
  readonly txid: number
  readonly rolling: bigint | null
  /** Its last frame as a place in the log as it is now, null when that frame is not there any more. */
  readonly place: WalPosition | null
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
  return {
    txid: file.maxTxid,
    rolling: decodeRestorePoint(header.reserved)?.postApply ?? null,
    databasePages: header.commit,
    lastCommitMs: header.timestampMs,
    place: placeInLog(bytes, base, header),
  }
}

function placeInLog(bytes: DatabaseBytes, { place }: Base, published: LtxHeader): WalPosition | null {
  const known = decodeRestorePoint(published.reserved)?.frameChecksum ?? null
  const header = place?.header
  if (known === null || place === null || header === undefined) return null
  if (header.salt1 !== published.walSalt1 || header.salt2 !== published.walSalt2) return null
  const frames = (published.walOffset + published.walSize - walHeaderBytes) / (frameHeaderBytes + published.pageSize)
  if (!Number.isInteger(frames) || frames < 1 || frames > place.frames) return null
  const buffer = new Uint8Array(frameHeaderBytes)
  if (bytes.readWal(frameOffset(frames - 1, header.pageSize), buffer) < buffer.length) return null
  const stored = storedChecksum(buffer)
  if (stored.salt1 !== header.salt1 || stored.salt2 !== header.salt2 || checksumWord(stored) !== known) return null
  return { header, frames, checksum: { s1: stored.s1, s2: stored.s2 } }
}
