/** Our LZ4 against another implementation, both ways, and against input that wants to do harm. */
import fc from 'fast-check'
import { xxhash32 } from 'hash-wasm'
import { compressFrameSync, compressSync, uncompressSync } from 'lz4-napi'
import { describe, expect, it } from 'vitest'
import { BlockEncoder, blockBound, decodeBlock } from './lz4.ts'
import { decodeFrame, xxh32 } from './lz4-frame.ts'

/** Pages as databases have them: runs, repeats, noise, in sizes of the format. */
const pages = fc
  .tuple(
    fc.constantFrom(512, 1024, 4096, 65536),
    fc.array(fc.tuple(fc.nat(3), fc.nat(700), fc.uint8Array({ minLength: 1, maxLength: 60 })), { minLength: 1, maxLength: 40 }),
  )
  .map(([size, parts]) => {
    const page = new Uint8Array(size)
    let at = 0
    for (const [kind, length, bytes] of parts) {
      for (let end = Math.min(size, at + length); at < end; at++) {
        page[at] =
          kind === 0
            ? 0
            : kind === 1
              ? (bytes[at % bytes.length] ?? 0)
              : kind === 2
                ? (Math.imul(at + length, 2654435761) >>> 13) & 255
                : (page[Math.max(0, at - length)] ?? 0)
      }
    }
    return page
  })

const encoder = new BlockEncoder()

function encoded(page: Uint8Array): Uint8Array {
  const into = new Uint8Array(blockBound(page.length) + 3)
  return into.slice(3, encoder.encode(page, into, 3))
}

const sized = (size: number, block: Uint8Array): Buffer => {
  const bytes = Buffer.alloc(4 + block.length)
  bytes.writeUInt32LE(size)
  bytes.set(block, 4)
  return bytes
}

describe('LZ4 blocks', () => {
  it('what we compress -> another implementation reads it, and so do we', () => {
    fc.assert(
      fc.property(pages, (page) => {
        const block = encoded(page)
        expect(block.length).toBeLessThanOrEqual(blockBound(page.length))
        expect(uncompressSync(sized(page.length, block)).equals(page)).toBe(true)
        const back = new Uint8Array(page.length).fill(7)
        expect(decodeBlock(block, 0, block.length, back)).toBe(true)
        expect(Buffer.from(back).equals(page)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('what another implementation compresses -> we read it', () => {
    fc.assert(
      fc.property(pages, (page) => {
        const block = compressSync(Buffer.from(page)).subarray(4)
        const back = new Uint8Array(page.length).fill(7)
        expect(decodeBlock(block, 0, block.length, back)).toBe(true)
        expect(Buffer.from(back).equals(page)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('every page of noise, of zeros and of one short pattern, in every size -> round trip', () => {
    for (const size of [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]) {
      for (const fill of [
        () => 0,
        (at: number) => Math.imul(at + 1, 2246822519) >>> 24,
        (at: number) => at % 3,
        (at: number) => at & 255,
      ]) {
        const page = Uint8Array.from({ length: size }, (_, at) => fill(at))
        const block = encoded(page)
        expect(uncompressSync(sized(size, block)).equals(page)).toBe(true)
      }
    }
  })

  it('a block of a page of another size -> refused, not padded and not cut', () => {
    const block = encoded(new Uint8Array(1024))
    for (const size of [512, 1023, 1025, 2048]) expect(decodeBlock(block, 0, block.length, new Uint8Array(size))).toBe(false)
  })

  it('every truncation -> refused', () => {
    const page = Uint8Array.from({ length: 512 }, (_, at) => (at < 200 ? at : at % 7))
    const block = encoded(page)
    for (let end = 0; end < block.length; end++) expect(decodeBlock(block, 0, end, new Uint8Array(512))).toBe(false)
  })

  it('hostile bytes -> an answer, never a read or a write outside', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.constantFrom(512, 4096), (bytes, size) => {
        const around = new Uint8Array(size + 64).fill(0xaa)
        const answer = decodeBlock(bytes, 0, bytes.length, around.subarray(32, 32 + size))
        expect(typeof answer).toBe('boolean')
        expect(around.subarray(0, 32).every((byte) => byte === 0xaa) && around.subarray(32 + size).every((byte) => byte === 0xaa)).toBe(
          true,
        )
      }),
      { numRuns: 2000 },
    )
  })

  it('a damaged block -> refused, or exactly the page that the other implementation reads out of it', () => {
    fc.assert(
      fc.property(pages, fc.nat(), fc.integer({ min: 1, max: 255 }), (page, where, change) => {
        const block = encoded(page)
        const at = where % block.length
        block[at] = (block[at] ?? 0) ^ change
        const back = new Uint8Array(page.length)
        const other = read(sized(page.length, block))
        if (!decodeBlock(block, 0, block.length, back)) return
        expect(other?.equals(back)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

/** What the other implementation makes of it; null when it refuses. */
function read(bytes: Buffer): Buffer | null {
  try {
    return uncompressSync(bytes)
  } catch (error) {
    return error === undefined ? Buffer.alloc(0) : null
  }
}

describe('LZ4 frames', () => {
  const framed = (page: Uint8Array): Buffer => compressFrameSync(Buffer.from(page), { contentChecksum: true })

  it('frames that another implementation wrote -> read, with the place where they end', () => {
    fc.assert(
      fc.property(pages, (page) => {
        const frame = framed(page)
        const bytes = Buffer.concat([Buffer.from([1, 2, 3]), frame, Buffer.from([9, 9])])
        const back = new Uint8Array(page.length)
        expect(decodeFrame(bytes, 3, bytes.length, back)).toBe(3 + frame.length)
        expect(Buffer.from(back).equals(page)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })

  it('a frame that is not all there yet -> asks for more, at every length', () => {
    const frame = framed(Uint8Array.from({ length: 512 }, (_, at) => (at * 7) & 255))
    for (let end = 0; end < frame.length; end++) expect(decodeFrame(frame, 0, end, new Uint8Array(512))).toBe('short')
  })

  it('any altered bit -> never another page', () => {
    const page = Uint8Array.from({ length: 512 }, (_, at) => (at < 100 ? at : at % 11))
    const frame = framed(page)
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const altered = Buffer.from(frame)
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const back = new Uint8Array(512)
      const answer = decodeFrame(altered, 0, altered.length, back)
      if (typeof answer === 'number') expect(Buffer.from(back).equals(page)).toBe(true)
    }
  })

  it('xxh32 of any bytes -> that of another implementation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        expect(xxh32(bytes, 0, bytes.length).toString(16).padStart(8, '0')).toBe(await xxhash32(bytes))
      }),
      { numRuns: 300 },
    )
  })
})
