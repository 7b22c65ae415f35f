/**
 * The 32 bytes that open a write-ahead log. Pure.
 * Layout (sqlite.org/fileformat2.html#walformat, read 2026-11-23), all big-endian: magic 0x377f0682 or ..83 (bit 0: checksums
 * over big-endian words), version 3007000, page size, checkpoint sequence, salt-1, salt-2, checksum over the first 24 bytes.
 */
import { extendChecksum, type WalChecksum, zeroChecksum } from './checksum.ts'

export const walHeaderBytes = 32
export const frameHeaderBytes = 24

export interface WalHeader {
  readonly pageSize: number
  readonly bigEndian: boolean
  readonly salt1: number
  readonly salt2: number
  /** Seed of the first frame's checksum. */
  readonly checksum: WalChecksum
}

/** null when the bytes are too few, or no valid header: a WAL of no frames, to SQLite. */
export function decodeWalHeader(bytes: Uint8Array): WalHeader | null {
  if (bytes.length < walHeaderBytes) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const magic = view.getUint32(0)
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return null
  if (view.getUint32(4) !== 3007000) return null
  const bigEndian = magic === 0x377f0683
  const checksum = extendChecksum(zeroChecksum, bytes, 0, 24, bigEndian)
  if (checksum.s1 !== view.getUint32(24) || checksum.s2 !== view.getUint32(28)) return null
  return { pageSize: view.getUint32(8), bigEndian, salt1: view.getUint32(16), salt2: view.getUint32(20), checksum }
}

/** Two headers open the same generation of the log. */
export function sameGeneration(a: WalHeader | null, b: WalHeader | null): boolean {
  if (a === null || b === null) return a === b
  return a.salt1 === b.salt1 && a.salt2 === b.salt2 && a.checksum.s1 === b.checksum.s1 && a.checksum.s2 === b.checksum.s2
}

/** Byte offset of frame `index` (0-based) in the file. */
export function frameOffset(index: number, pageSize: number): number {
  return walHeaderBytes + index * (frameHeaderBytes + pageSize)
}
