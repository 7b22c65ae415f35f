/**
 * LZ4 blocks, one page each. Pure. Format: lz4_Block_format.md of lz4/lz4, read 2026-11: sequences of a token (literal length, match
 * length - 4), literals, a 16-bit distance; the last sequence is literals only.
 * The decoder never reads outside of the block nor writes outside of the page, whatever it is given.
 */
import { assert } from '../assert.ts'

/** Bytes that are copied at once. A copy may run over by up to 7 of them, wherever there is room; what comes next overwrites those. */
const wide = 8

/** True when `source[start, end)` decodes to exactly all of `page`. Otherwise the page holds anything. */
export function decodeBlock(source: Uint8Array, start: number, end: number, page: Uint8Array): boolean {
  const size = page.length
  const input = new DataView(source.buffer, source.byteOffset, end)
  const output = new DataView(page.buffer, page.byteOffset, size)
  let from = start
  let to = 0
  while (from < end) {
    const token = source[from++] ?? 0
    let literals = token >>> 4
    if (literals === 15) {
      for (let more = 255; more === 255; ) {
        if (from >= end) return false
        more = source[from++] ?? 0
        literals += more
      }
    }
    if (literals > end - from || literals > size - to) return false
    const literalsEnd = to + literals
    if (literals + wide <= end - from && literalsEnd + wide <= size) {
      for (let ahead = from; to < literalsEnd; to += wide, ahead += wide) output.setBigInt64(to, input.getBigInt64(ahead, true), true)
      from += literals
      to = literalsEnd
    } else {
      while (to < literalsEnd) page[to++] = source[from++] ?? 0
    }
    if (from === end) return to === size
    if (end - from < 2) return false
    const distance = (source[from] ?? 0) | ((source[from + 1] ?? 0) << 8)
    from += 2
    if (distance === 0 || distance > to) return false
    let length = token & 15
    if (length === 15) {
      for (let more = 255; more === 255; ) {
        if (from >= end) return false
        more = source[from++] ?? 0
        length += more
      }
    }
    length += 4
    if (length > size - to) return false
    const matchEnd = to + length
    if (distance === 1) {
      page.fill(page[to - 1] ?? 0, to, matchEnd)
    } else if (distance >= wide && matchEnd + wide <= size) {
      for (let back = to - distance; to < matchEnd; to += wide, back += wide) output.setBigInt64(to, output.getBigInt64(back, true), true)
    } else {
      for (let back = to - distance; to < matchEnd; ) page[to++] = page[back++] ?? 0
    }
    to = matchEnd
  }
  return false
}

/** Room that a block of `size` bytes may need. */
export function blockBound(size: number): number {
  return size + Math.ceil(size / 255) + 16
}

const hashBits = 12
/** The format wants the last 5 bytes as literals, and no match to begin in the last 12. */
const lastLiterals = 5
const matchMargin = 12

export class BlockEncoder {
  readonly #table = new Int32Array(1 << hashBits)
  readonly #words = new Uint8Array(65536 + 4)
  readonly #view = new DataView(this.#words.buffer)

  /** Writes the block of `page` at `into[at]`, which has room for `blockBound`; returns where it ends. */
  encode(page: Uint8Array, into: Uint8Array, at: number): number {
    const size = page.length
    assert(size <= 65536, 'a page has 65536 bytes at most')
    this.#words.set(page)
    this.#table.fill(-1)
    const view = this.#view
    const table = this.#table
    let to = at
    let anchor = 0
    let from = 0
    const lastStart = size - matchMargin
    while (from <= lastStart) {
      const word = view.getUint32(from, true)
      const slot = Math.imul(word, 2654435761) >>> (32 - hashBits)
      const seen = table[slot] ?? -1
      table[slot] = from
      if (seen < 0 || from - seen > 65535 || view.getUint32(seen, true) !== word) {
        from += 1 + ((from - anchor) >>> 6)
        continue
      }
      let length = 4
      const longest = size - lastLiterals - from
      while (length < longest && page[seen + length] === page[from + length]) length++
      to = sequence(page, anchor, from, from - seen, length, into, to)
      from += length
      anchor = from
    }
    return lastSequence(page, anchor, size, into, to)
  }
}

function sequence(page: Uint8Array, anchor: number, from: number, distance: number, length: number, into: Uint8Array, at: number): number {
  const literals = from - anchor
  const match = length - 4
  let to = at
  into[to++] = (Math.min(literals, 15) << 4) | Math.min(match, 15)
  to = rest(literals, into, to)
  into.set(page.subarray(anchor, from), to)
  to += literals
  into[to++] = distance & 0xff
  into[to++] = distance >>> 8
  return rest(match, into, to)
}

function lastSequence(page: Uint8Array, anchor: number, size: number, into: Uint8Array, at: number): number {
  const literals = size - anchor
  let to = at
  into[to++] = Math.min(literals, 15) << 4
  to = rest(literals, into, to)
  into.set(page.subarray(anchor, size), to)
  return to + literals
}

/** Lengths of 15 and more go on in bytes of 255. */
function rest(length: number, into: Uint8Array, at: number): number {
  let to = at
  for (let left = length - 15; left >= 0; left -= 255) into[to++] = Math.min(left, 255)
  return to
}
