/**
 * LZ4 frames as Litestream before 0.5.16 wrote them, one a page. Pure. Read only.
 * Format: lz4_Frame_format.md of lz4/lz4, read 2026-11: magic, FLG, BD, header checksum, blocks (length, bit 31: stored raw), an end mark
 * of zero, xxh32 of the content.
 */
import { decodeBlock } from './lz4.ts'

/** Where the frame ends, or null when it is not one that holds exactly `page.length` bytes. 'short' when more bytes may complete it. */
export function decodeFrame(source: Uint8Array, start: number, end: number, page: Uint8Array): number | null | 'short' {
  const view = new DataView(source.buffer, source.byteOffset, end)
  if (end - start < 15) return 'short'
  if (view.getUint32(start, true) !== 0x184d2204) return null
  const flags = source[start + 4] ?? 0
  // Version 1, a content checksum, and neither block checksums, nor content size, nor a dictionary.
  if (flags !== 0x64 || ((source[start + 5] ?? 0) & 0x8f) !== 0) return null
  if (source[start + 6] !== ((xxh32(source, start + 4, start + 6) >>> 8) & 0xff)) return null
  let from = start + 7
  let filled = 0
  for (;;) {
    if (end - from < 4) return 'short'
    const word = view.getUint32(from, true)
    from += 4
    if (word === 0) break
    const length = word & 0x7fffffff
    const raw = word >>> 31 === 1
    if (filled > 0 || length > page.length + 1024) return null
    if (end - from < length) return 'short'
    if (raw) {
      if (length !== page.length) return null
      page.set(source.subarray(from, from + length))
    } else if (!decodeBlock(source, from, from + length, page)) return null
    from += length
    filled = page.length
  }
  if (end - from < 4) return 'short'
  if (filled !== page.length || view.getUint32(from, true) !== xxh32(page, 0, page.length)) return null
  return from + 4
}

const prime1 = 2654435761
const prime2 = 2246822519
const prime3 = 3266489917
const prime4 = 668265263
const prime5 = 374761393

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/** xxHash, 32 bits, seed 0. */
export function xxh32(bytes: Uint8Array, start: number, end: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = start
  let hash = prime5
  if (end - start >= 16) {
    const lanes = [(prime1 + prime2) | 0, prime2 | 0, 0, -prime1 | 0]
    for (; at + 16 <= end; at += 16) {
      for (let lane = 0; lane < 4; lane++) {
        lanes[lane] = Math.imul(rotate(((lanes[lane] ?? 0) + Math.imul(view.getUint32(at + lane * 4, true), prime2)) | 0, 13), prime1)
      }
    }
    const [a = 0, b = 0, c = 0, d = 0] = lanes
    hash = (rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18)) | 0
  }
  hash = (hash + (end - start)) | 0
  for (; at + 4 <= end; at += 4) hash = Math.imul(rotate((hash + Math.imul(view.getUint32(at, true), prime3)) | 0, 17), prime4)
  for (; at < end; at++) hash = Math.imul(rotate((hash + Math.imul(bytes[at] ?? 0, prime5)) | 0, 11), prime1)
  hash = Math.imul(hash ^ (hash >>> 15), prime2)
  hash = Math.imul(hash ^ (hash >>> 13), prime3)
  return (hash ^ (hash >>> 16)) >>> 0
}
