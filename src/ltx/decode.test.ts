/** The decoder against files of the reference implementations, and against every way to damage the small ones. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { goldenBytes, goldenPath, ltxFilesIn, type WholeLtx, wholeLtx } from '../../test/golden/specimens.ts'
import { isDrError } from '../errors.ts'
import { checksumFlag, pageChecksum } from './checksum.ts'
import { crc64 } from './crc64.ts'
import { LtxDecoder } from './decode.ts'
import { encodeLtx } from './encode.ts'
import { isSnapshot } from './header.ts'

const singles = ltxFilesIn('ltx').filter((path) => path.split('/').length === 2)
const replicas = [...ltxFilesIn('litestream'), ...ltxFilesIn('ltx/replica-with-a-flush-by-litestream-vfs')]
/** One of each kind that is small enough to be damaged at every bit. */
const small = [
  ...singles,
  'litestream/blocks-of-0.5.16/replica/ltx/0/0000000000000002-0000000000000002.ltx',
  'litestream/frames-of-0.5.14/replica/ltx/0/0000000000000002-0000000000000002.ltx',
]

const counting = Uint8Array.from({ length: 512 }, (_, at) => at & 255)

/** What is delivered, or the code of the DrError; anything else that is thrown fails the test. */
function outcome(bytes: Uint8Array): WholeLtx | string {
  try {
    return wholeLtx(bytes)
  } catch (error) {
    if (isDrError(error, 'LTX_DAMAGED', 'LTX_UNSUPPORTED')) return error.code
    throw error
  }
}

const meaning = ({ header, pages, postApply }: WholeLtx): string => {
  const hash = createHash('sha256').update(
    JSON.stringify({ ...header, preApply: `${header.preApply}`, nodeId: `${header.nodeId}`, postApply: `${postApply}` }),
  )
  for (const [number, page] of pages) hash.update(`${number}:`).update(page)
  return hash.digest('hex')
}

describe('files of the reference implementations', () => {
  it('there are some of each kind', () => {
    expect(singles).toHaveLength(6)
    expect(replicas.length).toBeGreaterThan(80)
  })

  for (const path of [...singles, ...replicas]) {
    it(`${path} -> decoded, every page with its checksum`, () => {
      const whole = wholeLtx(goldenBytes(path))
      for (const [at, [number, page]] of whole.pages.entries()) {
        expect(page).toHaveLength(whole.header.pageSize)
        expect(whole.sums[at]).toBe(pageChecksum(number, page))
      }
      if (isSnapshot(whole.header)) expect(whole.pages).toHaveLength(whole.header.commit)
    })
  }

  const facts: readonly (readonly [string, number, bigint, readonly number[]])[] = [
    ['snapshot-of-two-pages', 462, 0x9b2188d1d1ae1329n, [1, 2]],
    ['incremental-that-grows-with-an-incompressible-page', 698, 0xa08a253d5c4551b7n, [2, 3]],
    ['snapshot-with-rolling-checksum', 462, 0xc5ccfb6a6f51e83cn, [1, 2]],
    ['compaction-of-both', 736, 0xe21d90daf64c1e15n, [1, 2, 3]],
    ['incremental-of-no-page', 131, 0x842aab86e57e3b87n, []],
    ['snapshot-with-lz4-frames', 492, 0xb29cff041401721cn, [1, 2]],
  ]
  for (const [name, sizeBytes, fileChecksum, pages] of facts) {
    it(`${name} -> the checksum ${fileChecksum.toString(16)} of the reference`, () => {
      const bytes = goldenBytes(`ltx/${name}.ltx`)
      const whole = wholeLtx(bytes)
      expect(bytes).toHaveLength(sizeBytes)
      expect(whole.fileChecksum).toBe(fileChecksum)
      expect(whole.pages.map(([number]) => number)).toEqual(pages)
    })
  }

  it('the header fields -> those that the reference wrote', () => {
    const { header } = wholeLtx(goldenBytes('ltx/snapshot-of-two-pages.ltx'))
    expect(header).toMatchObject({ noChecksum: true, pageSize: 512, commit: 2, minTxid: 1, maxTxid: 1, timestampMs: 1767225600000 })
    expect(header).toMatchObject({ walOffset: 32, walSize: 1072, walSalt1: 0x11223344, walSalt2: 0x55667788, nodeId: 0n, preApply: 0n })
  })

  it('blocks and frames of the same pages -> the same pages', () => {
    const blocks = wholeLtx(goldenBytes('ltx/snapshot-of-two-pages.ltx'))
    const frames = wholeLtx(goldenBytes('ltx/snapshot-with-lz4-frames.ltx'))
    expect(frames.pages).toEqual(blocks.pages)
    expect(blocks.pages).toEqual([
      [1, new Uint8Array(512)],
      [2, counting],
    ])
  })

  it('a rolling checksum in the format itself -> verified', () => {
    expect(wholeLtx(goldenBytes('ltx/snapshot-with-rolling-checksum.ltx')).postApply).toBe(0xa992da1927bb5c9fn)
  })

  it('a snapshot and two flushes by Litestream -> the database as it was', () => {
    const folder = 'ltx/replica-with-a-flush-by-litestream-vfs'
    const expected = readFileSync(goldenPath(`${folder}/expected-at-txid-2.db`))
    const database = Buffer.alloc(expected.length)
    for (const name of ['9/0000000000000001-0000000000000001', '0/0000000000000002-0000000000000002']) {
      const whole = wholeLtx(goldenBytes(`${folder}/ltx/${name}.ltx`))
      for (const [number, page] of whole.pages) database.set(page, (number - 1) * whole.header.pageSize)
    }
    expect(database.equals(expected)).toBe(true)
  })
})

describe('damage', () => {
  for (const path of small) {
    const sound = goldenBytes(path)
    const expected = meaning(wholeLtx(sound))

    it(`${path}, cut at every byte -> refused`, () => {
      for (let length = 0; length < sound.length; length++)
        expect(outcome(sound.subarray(0, length)), `cut at ${length}`).toBe('LTX_DAMAGED')
    })

    it(`${path}, every bit flipped -> refused, or in compressed bytes that say the same`, () => {
      const covered: string[] = []
      for (let bit = 0; bit < sound.length * 8; bit++) {
        const altered = sound.slice()
        altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const found = outcome(altered)
        if (typeof found !== 'string' && meaning(found) !== expected) covered.push(`bit ${bit & 7} of byte ${bit >> 3}`)
      }
      expect(covered).toEqual([])
    })

    it(`${path}, with something behind it -> refused`, () => {
      for (const more of [1, 8, 16, 500])
        expect(outcome(Uint8Array.from([...sound, ...new Uint8Array(more)])), `${more} bytes more`).toBe('LTX_DAMAGED')
    })
  }

  it('any bytes at all, with and without a sound header -> a DrError, never a crash', () => {
    const sound = goldenBytes('ltx/snapshot-of-two-pages.ltx').subarray(0, 100)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), fc.boolean(), (bytes, headed) => {
        expect(outcome(headed ? Uint8Array.from([...sound, ...bytes]) : bytes)).toBeTypeOf('string')
      }),
      { numRuns: 1000 },
    )
  })

  it('a page that claims gigabytes -> refused before they are waited for', () => {
    const altered = goldenBytes('ltx/snapshot-of-two-pages.ltx')
    new DataView(altered.buffer).setUint32(106, 0xffffffff)
    const decoder = new LtxDecoder({ onHeader: () => {}, onPage: () => {} })
    expect(() => decoder.write(altered.subarray(0, 120))).toThrow(/claims 4294967295 compressed bytes/)
  })

  it('a page encoding of the future -> said to be unsupported, not damaged', () => {
    const altered = goldenBytes('ltx/snapshot-of-two-pages.ltx')
    new DataView(altered.buffer).setUint16(104, 2)
    expect(outcome(altered)).toBe('LTX_UNSUPPORTED')
  })
})

describe('rules of the format', () => {
  const header = wholeLtx(goldenBytes('ltx/snapshot-of-two-pages.ltx')).header
  const incremental = { ...header, minTxid: 2, maxTxid: 2 }
  /** Puts `value` at `offset` and makes the file's own checksum right again, so that only the rule can object. */
  const resealed = (bytes: Uint8Array<ArrayBuffer>, offset: number, value: number): Uint8Array => {
    bytes[offset] = value
    const sealed: Uint8Array[] = [bytes.subarray(0, 100)]
    let at = 100
    const view = new DataView(bytes.buffer)
    const decoded = wholeLtxPages.get(bytes.length) ?? []
    for (const page of decoded) {
      sealed.push(bytes.subarray(at, at + 10), page)
      at += 10 + view.getUint32(at + 6)
    }
    sealed.push(bytes.subarray(at, bytes.length - 8))
    view.setBigUint64(bytes.length - 8, crc64(Buffer.concat(sealed)) | checksumFlag)
    return bytes
  }
  const wholeLtxPages = new Map<number, readonly Uint8Array[]>()
  const made = (head: typeof header, pages: readonly (readonly [number, Uint8Array])[]): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(encodeLtx(head, pages))
    wholeLtxPages.set(
      bytes.length,
      pages.map(([, page]) => page),
    )
    return bytes
  }
  const two: readonly (readonly [number, Uint8Array])[] = [
    [1, counting],
    [2, counting],
  ]

  it('sealed again without a change -> sound (so that the tests below test what they say)', () => {
    const bytes = made(incremental, two)
    expect(outcome(resealed(bytes, 99, bytes[99] ?? 0))).toBeTypeOf('object')
  })

  const broken: readonly (readonly [string, RegExp, () => Uint8Array])[] = [
    ['a first txid of 0', /first txid is 0/, () => resealed(made(incremental, two), 23, 0)],
    ['a last txid before the first', /is below the first/, () => resealed(made({ ...incremental, minTxid: 3, maxTxid: 3 }, two), 31, 2)],
    ['a page size of 513', /no page size/, () => resealed(made(incremental, two), 11, 1)],
    ['a page beyond the database', /beyond the 1 pages/, () => resealed(made(incremental, two), 15, 1)],
    ['a flag of the future', /flags 0x6/, () => resealed(made(incremental, two), 7, 6)],
    ['pages in the wrong order', /comes after page 2/, () => resealed(made(incremental, two), 103, 2)],
    ['a snapshot that begins late', /goes on with page 2 where 1 is due/, () => resealed(made(incremental, [[2, counting]]), 23, 1)],
    ['a snapshot that ends early', /ends at page 1/, () => resealed(made(incremental, [[1, counting]]), 23, 1)],
    [
      'an index of other pages',
      /page index/,
      () => {
        const bytes = made(incremental, two)
        return resealed(bytes, bytes.length - 16 - 9 - 3, 9)
      },
    ],
    [
      'a post-apply checksum where none may be',
      /post-apply/,
      () => {
        const bytes = made(incremental, two)
        return resealed(bytes, bytes.length - 16, 0x80)
      },
    ],
  ]
  for (const [name, sentence, bytes] of broken) {
    it(`${name}, with a right checksum -> refused for what it is`, () => {
      expect(() => wholeLtx(bytes())).toThrow(sentence)
      expect(outcome(bytes())).toBe('LTX_DAMAGED')
    })
  }
})

describe('files that come in pieces', () => {
  it('cut anywhere, in pieces of any size -> the same pages', () => {
    for (const path of small) {
      const bytes = goldenBytes(path)
      const expected = meaning(wholeLtx(bytes))
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 }), (sizes) => {
          expect(meaning(inPieces(bytes, sizes))).toBe(expected)
        }),
        { numRuns: 40 },
      )
    }
  })

  it('one byte at a time -> the same pages', () => {
    for (const path of small) {
      const bytes = goldenBytes(path)
      expect(meaning(inPieces(bytes, [1]))).toBe(meaning(wholeLtx(bytes)))
    }
  })
})

function inPieces(bytes: Uint8Array, sizes: readonly number[]): WholeLtx {
  let whole: Pick<WholeLtx, 'header'> | null = null
  const pages: [number, Uint8Array][] = []
  const decoder = new LtxDecoder({
    onHeader: (header) => {
      whole = { header }
    },
    onPage: (number, page) => pages.push([number, page.slice()]),
  })
  // One buffer for all pieces, as a reader that reuses its own: nothing may be kept of it.
  const buffer = new Uint8Array(256)
  let at = 0
  for (let turn = 0; at < bytes.length; turn++) {
    const piece = bytes.subarray(at, at + (sizes[turn % sizes.length] ?? 1))
    buffer.fill(0xee)
    buffer.set(piece)
    decoder.write(buffer.subarray(0, piece.length))
    at += piece.length
  }
  const trailer = decoder.end()
  return { ...trailer, header: whole!.header, pages, sums: [] }
}
