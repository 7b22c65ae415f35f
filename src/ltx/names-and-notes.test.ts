/** Small parts of the format: numbers of the page index, names of files, txids as text, and what we note in the reserved bytes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checksumFlag } from './checksum.ts'
import { ltxFileName, parseLtxFileName } from './file-name.ts'
import { PageIndexWriter, putVarint } from './page-index.ts'
import { decodeRestorePoint, encodeRestorePoint } from './restore-point.ts'
import { formatTxid, parseTxid } from './txid.ts'

const safe = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })
const txids = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

/** One LEB128 number, as its definition says. */
function readVarint(bytes: Uint8Array): number {
  return Number(bytes.reduce((sum, byte, at) => sum + (BigInt(byte & 127) << BigInt(7 * at)), 0n))
}

describe('the page index', () => {
  it('any number -> as few groups of 7 bits as it needs, all but the last marked', () => {
    fc.assert(
      fc.property(safe, (value) => {
        const bytes = new Uint8Array(10)
        const end = putVarint(bytes, 1, value)
        const written = bytes.subarray(1, end)
        expect(readVarint(written)).toBe(value)
        expect(written.length).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)))
        expect(written.subarray(0, -1).every((byte) => byte >= 128) && (written.at(-1) ?? 255) < 128).toBe(true)
      }),
    )
  })

  it('more entries than its first room -> all of them, an end mark and their length', () => {
    const index = new PageIndexWriter()
    for (let page = 1; page <= 3000; page++) index.add(page, page * 1000, 700)
    const bytes = index.finish()
    const { length } = index
    expect(bytes).toHaveLength(length + 9)
    expect(bytes[length]).toBe(0)
    expect(new DataView(bytes.buffer).getBigUint64(length + 1)).toBe(BigInt(length + 1))
    const numbers = [...bytes.subarray(0, length)].filter((byte) => byte < 128).length
    expect(numbers).toBe(9000)
  })
})

describe('names', () => {
  it('any range of txids -> a name that says it', () => {
    fc.assert(
      fc.property(txids, txids, (one, other) => {
        const [minTxid, maxTxid] = one < other ? [one, other] : [other, one]
        expect(ltxFileName(minTxid, maxTxid)).toMatch(/^[0-9a-f]{16}-[0-9a-f]{16}\.ltx$/)
        expect(parseLtxFileName(ltxFileName(minTxid, maxTxid))).toEqual({ minTxid, maxTxid })
        expect(parseTxid(formatTxid(one))).toBe(one)
      }),
    )
  })

  it('a name that Litestream would not read, of txid 0 or backwards -> passed over', () => {
    const good = '0000000000000001-0000000000000002.ltx'
    expect(parseLtxFileName(good)).toEqual({ minTxid: 1, maxTxid: 2 })
    for (const name of [
      `${good}.tmp`,
      good.toUpperCase(),
      `x${good}`,
      '1-2.ltx',
      '0000000000000000-0000000000000002.ltx',
      '0000000000000003-0000000000000002.ltx',
      'ffffffffffffffff-ffffffffffffffff.ltx',
      '',
    ]) {
      expect(parseLtxFileName(name), name).toBe(null)
    }
  })

  it('a txid as people give it -> with or without zeros in front, in either case; anything else is none', () => {
    expect([parseTxid('1b'), parseTxid('1B'), parseTxid('000000000000001b')]).toEqual([27, 27, 27])
    for (const text of ['', '0', 'g', '-1', ' 1', '0x1b', '00000000000000001', 'ffffffffffffffff']) expect(parseTxid(text), text).toBe(null)
  })
})

describe('a restore point in the reserved bytes', () => {
  const checksums = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })

  it('any -> read as it was written', () => {
    fc.assert(
      fc.property(
        checksums,
        fc.option(fc.bigInt({ min: 1n, max: (1n << 64n) - 1n })),
        fc.nat(0xffffe),
        fc.nat(4095),
        (rolling, frameChecksum, commits, spanMs) => {
          const point = { postApply: rolling | checksumFlag, frameChecksum, commits, spanMs }
          expect(decodeRestorePoint(encodeRestorePoint(point))).toEqual(point)
        },
      ),
    )
  })

  it('more commits than fit -> that many or more, which is no number to count with', () => {
    for (const commits of [0xfffff, 3_000_000, null]) {
      const point = { postApply: checksumFlag, frameChecksum: null, commits, spanMs: 0 }
      expect(decodeRestorePoint(encodeRestorePoint(point))?.commits).toBeNull()
    }
  })

  it('commits that lie longer apart than fits -> the longest span that does', () => {
    const point = { postApply: checksumFlag, frameChecksum: null, commits: 2, spanMs: 60_000 }
    expect(decodeRestorePoint(encodeRestorePoint(point))?.spanMs).toBe(4095)
  })

  it('the zeros that Litestream writes -> nothing is said', () => {
    expect(decodeRestorePoint(new Uint8Array(20))).toBe(null)
  })
})
