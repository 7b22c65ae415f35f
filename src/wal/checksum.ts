/**
 * The cumulative checksum of SQLite's write-ahead log. Pure.
 * Rule (sqlite.org/fileformat2.html#checksum_algorithm, read 2026-11-23): over pairs of 32-bit words, s1 += x1 + s2; s2 += x2 + s1.
 * Words are little- or big-endian as bit 0 of the magic number says.
 */

export interface WalChecksum {
  readonly s1: number
  readonly s2: number
}

export const zeroChecksum: WalChecksum = { s1: 0, s2: 0 }

const hostIsLittleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/** Checksum after `bytes[start, end)`, whose length is a multiple of 8. */
export function extendChecksum(seed: WalChecksum, bytes: Uint8Array, start: number, end: number, bigEndian: boolean): WalChecksum {
  const aligned = (bytes.byteOffset + start) % 4 === 0
  return aligned && bigEndian !== hostIsLittleEndian ? native(seed, bytes, start, end) : portable(seed, bytes, start, end, bigEndian)
}

function native(seed: WalChecksum, bytes: Uint8Array, start: number, end: number): WalChecksum {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, (end - start) >> 2)
  let s1 = seed.s1 | 0
  let s2 = seed.s2 | 0
  for (let at = 0; at + 1 < words.length; at += 2) {
    s1 = (s1 + (words[at] ?? 0) + s2) | 0
    s2 = (s2 + (words[at + 1] ?? 0) + s1) | 0
  }
  return { s1: s1 >>> 0, s2: s2 >>> 0 }
}

function portable(seed: WalChecksum, bytes: Uint8Array, start: number, end: number, bigEndian: boolean): WalChecksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let s1 = seed.s1 | 0
  let s2 = seed.s2 | 0
  for (let at = start; at < end; at += 8) {
    s1 = (s1 + view.getInt32(at, !bigEndian) + s2) | 0
    s2 = (s2 + view.getInt32(at + 4, !bigEndian) + s1) | 0
  }
  return { s1: s1 >>> 0, s2: s2 >>> 0 }
}
