/**
 * Frames of a write-ahead log, verified one after the other. Pure.
 * A frame is valid when its salts are those of the header and its cumulative checksum, which covers its first 8 header bytes and its
 * page on top of everything before, is what it says. What comes after the first invalid frame was never committed.
 */
import { extendChecksum, type WalChecksum } from './checksum.ts'
import { frameHeaderBytes, type WalHeader } from './header.ts'

/** A place between two frames of one generation of the log. */
export interface WalPosition {
  readonly header: WalHeader
  /** Frames before this place. */
  readonly frames: number
  /** Cumulative checksum up to here. */
  readonly checksum: WalChecksum
}

export interface Frame {
  readonly pageNumber: number
  /** Pages in the database after this commit; 0 for a frame that does not commit. */
  readonly commitPages: number
  /** Where the page begins in the scanned bytes. */
  readonly pageOffset: number
}

export function startOf(header: WalHeader): WalPosition {
  return { header, frames: 0, checksum: header.checksum }
}

/**
 * The place after the last valid frame in `bytes`, which begin exactly at `from`. Each valid frame is handed to `onFrame` in order.
 * `bytes` may end in the middle of a frame; that frame does not count.
 */
export function scanFrames(from: WalPosition, bytes: Uint8Array, onFrame: (frame: Frame, after: WalPosition) => void): WalPosition {
  const { header } = from
  const size = frameHeaderBytes + header.pageSize
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let place = from
  for (let at = 0; at + size <= bytes.length; at += size) {
    if (view.getUint32(at + 8) !== header.salt1 || view.getUint32(at + 12) !== header.salt2) break
    const half = extendChecksum(place.checksum, bytes, at, at + 8, header.bigEndian)
    const checksum = extendChecksum(half, bytes, at + frameHeaderBytes, at + size, header.bigEndian)
    if (checksum.s1 !== view.getUint32(at + 16) || checksum.s2 !== view.getUint32(at + 20)) break
    const pageNumber = view.getUint32(at)
    if (pageNumber === 0) break
    place = { header, frames: place.frames + 1, checksum }
    onFrame({ pageNumber, commitPages: view.getUint32(at + 4), pageOffset: at + frameHeaderBytes }, place)
  }
  return place
}

/**
 * The frame names its page, and has neither salts nor a checksum: SQLite leaves both out while a transaction overwrites frames of its own, and
 * fills them in before it commits. Up to 3.40 at least it forgets to, where a savepoint was rolled back meanwhile (walEncodeFrame in wal.c; tried
 * with 3.40.1, read 2026-11-26). Input: at least 24 bytes.
 */
export function lacksChecksum(frameHeader: Uint8Array): boolean {
  const { salt1, salt2, s1, s2 } = storedChecksum(frameHeader)
  return (salt1 | salt2 | s1 | s2) === 0 && frameHeader.subarray(0, 4).some((byte) => byte !== 0)
}

/** What a frame header says of the checksum up to and including it. Input: at least 24 bytes. */
export function storedChecksum(frameHeader: Uint8Array): WalChecksum & { readonly salt1: number; readonly salt2: number } {
  const view = new DataView(frameHeader.buffer, frameHeader.byteOffset, frameHeader.byteLength)
  return { salt1: view.getUint32(8), salt2: view.getUint32(12), s1: view.getUint32(16), s2: view.getUint32(20) }
}

export function checksumWord({ s1, s2 }: WalChecksum): bigint {
  return (BigInt(s1) << 32n) | BigInt(s2)
}

/** How the frames of a log are found without its checksums. */
export type LogShape = Pick<WalHeader, 'salt1' | 'salt2' | 'pageSize'>

/** Frames in `bytes`, which begin exactly at one, that are of this log by their salts and say that they end a transaction. No checksum is looked at. */
export function countCommitMarks({ salt1, salt2, pageSize }: LogShape, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let marks = 0
  for (let at = 0; at + frameHeaderBytes + pageSize <= bytes.length; at += frameHeaderBytes + pageSize) {
    const ofThisLog = view.getUint32(at + 8) === salt1 && view.getUint32(at + 12) === salt2
    if (ofThisLog && view.getUint32(at) > 0 && view.getUint32(at + 4) > 0) marks++
  }
  return marks
}
