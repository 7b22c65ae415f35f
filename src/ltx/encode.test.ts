/**
 * The encoder against files of the reference, against a second writer of the format that shares nothing with ours (LZ4 of lz4-napi, CRC of
 * hash-wasm, its own LEB128), and at the page where SQLite keeps its locks.
 */
import fc from 'fast-check'
import { createCRC64, type IHasher } from 'hash-wasm'
import { compressSync, uncompressSync } from 'lz4-napi'
import { beforeAll, describe, expect, it } from 'vitest'
import { goldenBytes, ltxFilesIn, wholeLtx } from '../../test/golden/specimens.ts'
import { isDrError } from '../errors.ts'
import { LtxDecoder } from './decode.ts'
import { encodeLtx, LtxEncoder } from './encode.ts'
import { encodeHeader, headerBytes, type LtxHeader } from './header.ts'
import { lockPage } from './lock-page.ts'

const pageSizes = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
const reference = wholeLtx(goldenBytes('ltx/snapshot-of-two-pages.ltx')).header
const headed = (over: Partial<LtxHeader>): LtxHeader => ({ ...reference, ...over })

type Pages = readonly (readonly [number, Uint8Array])[]
interface Frame {
  readonly number: number
  readonly page: Uint8Array
  readonly block: Uint8Array
}

let crc: IHasher
beforeAll(async () => {
  crc = await createCRC64('d800000000000000')
})

function uvarint(value: number): number[] {
  const bytes: number[] = []
  let left = BigInt(value)
  for (; left >= 128n; left >>= 7n) bytes.push(Number(left & 127n) | 128)
  return [...bytes, Number(left)]
}

function bigEndian(size: 4 | 8, value: number | bigint): Buffer {
  const bytes = Buffer.alloc(size)
  if (size === 4) bytes.writeUInt32BE(Number(value))
  else bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

/** The whole file from its description in superfly/ltx, with compressed pages that somebody else made. */
function composed(header: Uint8Array, frames: readonly Frame[]): Buffer {
  crc.init()
  crc.update(header)
  const pieces: Uint8Array[] = [header]
  const index: number[] = []
  let offset = header.length
  for (const { number, page, block } of frames) {
    const head = Buffer.concat([bigEndian(4, number), Buffer.from([0, 1]), bigEndian(4, block.length)])
    crc.update(head).update(page)
    pieces.push(head, block)
    index.push(...uvarint(number), ...uvarint(offset), ...uvarint(head.length + block.length))
    offset += head.length + block.length
  }
  const tail = Buffer.concat([Buffer.alloc(6), Buffer.from([...index, 0]), bigEndian(8, index.length + 1), bigEndian(8, 0)])
  crc.update(tail)
  return Buffer.concat([...pieces, tail, bigEndian(8, BigInt(`0x${crc.digest('hex')}`) | (1n << 63n))])
}

/** The compressed pages of a file of blocks, each with the page that it is. */
function framesOf(bytes: Uint8Array, pages: Pages): readonly Frame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  let at = headerBytes
  return pages.map(([number, page]) => {
    const block = bytes.subarray(at + 10, at + 10 + view.getUint32(at + 6))
    at += 10 + block.length
    return { number, page, block }
  })
}

const lz4Napi = (page: Uint8Array): Uint8Array => compressSync(Buffer.from(page)).subarray(4)

function readByLz4Napi({ page, block }: Frame): Buffer {
  return uncompressSync(Buffer.concat([Buffer.from(new Uint32Array([page.length]).buffer), block]))
}

/** Files of any page size whose pages are empty, noise, text, or a little of each. */
const files = fc
  .record({
    pageSize: fc.constantFrom(...pageSizes),
    numbers: fc.uniqueArray(fc.integer({ min: 1, max: 0x7fffffff }), { maxLength: 6 }),
    grown: fc.nat(5),
    txid: fc.integer({ min: 2, max: Number.MAX_SAFE_INTEGER - 9 }),
    spanned: fc.nat(9),
    timestampMs: fc.integer({ min: 0, max: 4e12 }),
    reserved: fc.uint8Array({ minLength: 20, maxLength: 20 }),
    kinds: fc.array(fc.nat(4), { minLength: 1, maxLength: 8 }),
    seed: fc.nat(),
  })
  .map(({ pageSize, numbers, grown, txid, spanned, timestampMs, reserved, kinds, seed }) => {
    const present = numbers.filter((number) => number !== lockPage(pageSize)).sort((a, b) => a - b)
    const pages = present.map((number, at) => [number, pageOf(pageSize, kinds[at % kinds.length] ?? 0, seed + at)] as const)
    const commit = Math.max(1, (present.at(-1) ?? 0) + grown)
    return { header: headed({ pageSize, commit, minTxid: txid, maxTxid: txid + spanned, timestampMs, reserved }), pages }
  })

function pageOf(size: number, kind: number, seed: number): Uint8Array {
  let state = seed | 1
  return Uint8Array.from({ length: size }, (_, at) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    if (kind === 0) return 0
    if (kind === 1) return state
    if (kind === 2) return 32 + ((at * 7 + seed) % 11)
    return at % 512 < 300 ? 0 : state & (kind === 3 ? 255 : 3)
  })
}

describe('files of the reference, written again', () => {
  const specimens = [...ltxFilesIn('ltx'), ...ltxFilesIn('litestream')].filter((path) => wholeLtx(goldenBytes(path)).header.noChecksum)

  it('there are more than 90, in both page encodings', () => {
    expect(specimens.length).toBeGreaterThan(90)
  })

  it('the second writer, given the compressed pages of the reference -> every file of blocks, byte for byte', () => {
    const blocks = specimens.filter((path) => !path.includes('frames'))
    expect(blocks.length).toBeGreaterThan(45)
    for (const path of blocks) {
      const bytes = goldenBytes(path)
      expect(composed(bytes.subarray(0, headerBytes), framesOf(bytes, wholeLtx(bytes).pages)).equals(bytes), path).toBe(true)
    }
  })

  it('our encoder, given the pages of the reference -> the same header and pages, and the checksum that the second writer gives it', () => {
    for (const path of specimens) {
      const bytes = goldenBytes(path)
      const { header, pages } = wholeLtx(bytes)
      const written = encodeLtx(header, pages)
      expect(Buffer.from(written.subarray(0, headerBytes)).equals(bytes.subarray(0, headerBytes)), path).toBe(true)
      expect(wholeLtx(written).pages, path).toEqual(pages)
      expect(composed(written.subarray(0, headerBytes), framesOf(written, pages)).equals(written), path).toBe(true)
    }
  })

  it('a file of no page, where no compression can differ -> the very bytes of the reference', () => {
    const bytes = goldenBytes('ltx/incremental-of-no-page.ltx')
    expect(Buffer.from(encodeLtx(wholeLtx(bytes).header, [])).equals(bytes)).toBe(true)
  })
})

describe('any file', () => {
  it('written by us -> the second writer, given our compressed pages, writes the same bytes, and lz4-napi reads each page', () => {
    fc.assert(
      fc.property(files, ({ header, pages }) => {
        const written = encodeLtx(header, pages)
        const frames = framesOf(written, pages)
        expect(composed(encodeHeader(header), frames).equals(written)).toBe(true)
        for (const frame of frames) expect(readByLz4Napi(frame).equals(frame.page)).toBe(true)
        expect(wholeLtx(written).header).toEqual(header)
      }),
      { numRuns: 150 },
    )
  })

  it('written by the second writer with lz4-napi -> we read it', () => {
    fc.assert(
      fc.property(files, ({ header, pages }) => {
        const foreign = composed(
          encodeHeader(header),
          pages.map(([number, page]) => ({ number, page, block: lz4Napi(page) })),
        )
        const read = wholeLtx(foreign)
        expect(read.header).toEqual(header)
        expect(read.pages.map(([number]) => number)).toEqual(pages.map(([number]) => number))
        for (const [at, [, page]] of read.pages.entries()) expect(Buffer.from(pages[at]?.[1] ?? []).equals(page)).toBe(true)
      }),
      { numRuns: 150 },
    )
  })

  it('read out of one Buffer that is used again for every piece -> the same file: nothing is kept of a piece', () => {
    const headers: LtxHeader[] = []
    const numbers: number[] = []
    const pages: Pages = [1, 2, 3].map((number) => [number, pageOf(512, 1, number)])
    const bytes = encodeLtx(headed({ commit: 3, reserved: pageOf(20, 1, 9) }), pages)
    const decoder = new LtxDecoder({ onHeader: (header) => headers.push(header), onPage: (number) => numbers.push(number) })
    const buffer = Buffer.alloc(70)
    for (let at = 0; at < bytes.length; at += buffer.length) {
      buffer.fill(0xee)
      decoder.write(buffer.subarray(0, Buffer.from(bytes.subarray(at)).copy(buffer)))
    }
    decoder.end()
    expect(numbers).toEqual([1, 2, 3])
    expect(headers[0]?.reserved).toEqual(pageOf(20, 1, 9))
  })

  for (const pageSize of pageSizes) {
    it(`a snapshot of ${pageSize}-byte pages, empty, noisy and in between -> the same pages`, () => {
      const pages = [0, 1, 2, 3, 4].map((kind) => [kind + 1, pageOf(pageSize, kind, 7)] as const)
      const written = encodeLtx(headed({ pageSize, commit: 5 }), pages)
      expect(wholeLtx(written).pages).toEqual(pages)
      const noise = framesOf(written, pages)[1]
      expect(noise?.block.length, 'noise is kept as literals, larger than the page').toBeGreaterThan(pageSize)
      expect(composed(written.subarray(0, headerBytes), framesOf(written, pages)).equals(written)).toBe(true)
    })
  }
})

describe('the page of the locks, at 1 GiB', () => {
  const numbers: Record<number, number> = {
    512: 2097153,
    1024: 1048577,
    2048: 524289,
    4096: 262145,
    8192: 131073,
    16384: 65537,
    32768: 32769,
    65536: 16385,
  }
  const incremental = (pageSize: number, over: Partial<LtxHeader> = {}): LtxHeader =>
    headed({ pageSize, minTxid: 2, maxTxid: 2, commit: lockPage(pageSize) + 1, ...over })

  for (const pageSize of pageSizes) {
    it(`${pageSize}-byte pages: it is page ${numbers[pageSize]}, left out by who writes and refused by who reads`, () => {
      const lock = lockPage(pageSize)
      expect(lock).toBe(numbers[pageSize])
      const page = pageOf(pageSize, 2, 1)
      const around: Pages = [
        [lock - 1, page],
        [lock + 1, page],
      ]
      expect(wholeLtx(encodeLtx(incremental(pageSize), around)).pages).toEqual(around)
      expect(wholeLtx(encodeLtx(incremental(pageSize, { commit: lock }), [[lock - 1, page]])).header.commit).toBe(lock)
      expect(() => encodeLtx(incremental(pageSize), [[lock, page]])).toThrow(/lock page/)
      const holding = composed(encodeHeader(incremental(pageSize)), [{ number: lock, page, block: lz4Napi(page) }])
      expect(refusal(() => wholeLtx(holding))).toMatch(/LTX_DAMAGED: page \d+ is the lock page/)
    })
  }

  it('a snapshot that crosses it -> every page but that one, straight from the encoder into the decoder', () => {
    const pageSize = 65536
    const lock = lockPage(pageSize)
    const encoder = new LtxEncoder(headed({ pageSize, commit: lock + 2 }))
    const seen = { pages: 0, last: 0 }
    const decoder = new LtxDecoder({
      onHeader: () => {},
      onPage: (number) => {
        seen.pages++
        seen.last = number
      },
    })
    const page = new Uint8Array(pageSize)
    decoder.write(encoder.begin())
    for (let number = 1; number <= lock + 2; number++) if (number !== lock) decoder.write(encoder.page(number, page))
    decoder.write(encoder.finish())
    expect(decoder.end().postApply).toBe(0n)
    expect(seen).toEqual({ pages: lock + 1, last: lock + 2 })
  })
})

describe('what the encoder refuses to write', () => {
  const page = new Uint8Array(512)
  const cases: readonly (readonly [string, RegExp, () => unknown])[] = [
    ['a header with checksums of the format', /Litestream refuses them/, () => new LtxEncoder(headed({ noChecksum: false }))],
    ['a page of another size', /has 511 bytes/, () => encodeLtx(headed({}), [[1, page.subarray(1)]])],
    ['a page beyond the database', /in a database of 2/, () => encodeLtx(headed({ minTxid: 2, maxTxid: 2 }), [[3, page]])],
    [
      'a snapshot with a hole',
      /has page 3 where 2 is due/,
      () =>
        encodeLtx(headed({ commit: 3 }), [
          [1, page],
          [3, page],
        ]),
    ],
    ['a snapshot that ends early', /ends at page 1/, () => encodeLtx(headed({}), [[1, page]])],
    [
      'pages that do not ascend',
      /comes after 2/,
      () =>
        encodeLtx(headed({ minTxid: 2, maxTxid: 2 }), [
          [2, page],
          [2, page],
        ]),
    ],
    ['a txid of 0', /first txid is 0/, () => encodeLtx(headed({ minTxid: 0 }), [])],
    ['a page size that is no power of two', /no page size/, () => encodeLtx(headed({ pageSize: 1000 }), [])],
    ['salts without an offset', /without its offset/, () => encodeLtx(headed({ walOffset: 0, walSize: 0 }), [])],
  ]
  for (const [name, sentence, work] of cases) {
    it(`${name} -> refused`, () => {
      expect(work).toThrow(sentence)
    })
  }
})

function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (isDrError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}
