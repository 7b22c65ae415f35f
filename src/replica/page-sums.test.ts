/** The rolling checksum, kept page by page, against one that is computed anew from the whole database each time. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checksumFlag, pageChecksum } from '../ltx/checksum.ts'
import { PageSums } from './page-sums.ts'

const pageOf = (fill: number): Uint8Array => new Uint8Array(512).fill(fill)

function put(sums: PageSums, number: number, fill: number): void {
  const sum = pageChecksum(number, pageOf(fill))
  sums.set(number, Number(sum >> 32n), Number(sum & 0xffffffffn))
}

/** From nothing: `fills[0]` is what page 1 is filled with; null for a page that was never set. */
function anew(fills: readonly (number | null)[]): bigint {
  return fills.reduce((sum, fill, at) => (fill === null ? sum : sum ^ pageChecksum(at + 1, pageOf(fill))), 0n) | checksumFlag
}

/** Changes of a database: its new size in pages, and pages that are written, by place and fill. */
const changes = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 })), {
  maxLength: 12,
})

describe('page sums', () => {
  it('any history of growing, shrinking and writing -> the rolling checksum of what is there at the end', () => {
    fc.assert(
      fc.property(changes, (history) => {
        const sums = new PageSums()
        let fills: (number | null)[] = []
        for (const [pages, writes] of history) {
          sums.resize(pages)
          fills = Array.from({ length: pages }, (_, at) => fills[at] ?? null)
          for (const [place, fill] of writes) {
            put(sums, 1 + (place % pages), fill)
            fills[place % pages] = fill
          }
          expect(sums.pages).toBe(pages)
        }
        expect(sums.rolling).toBe(anew(fills))
      }),
      { numRuns: 60 },
    )
  })

  it('a database of nothing -> bit 63 alone', () => {
    expect(new PageSums().rolling).toBe(checksumFlag)
  })

  it('two databases -> the share of equal pages counts against the larger one', () => {
    const one = new PageSums()
    const other = new PageSums()
    one.resize(4)
    other.resize(8)
    for (let page = 1; page <= 8; page++) put(other, page, page)
    for (let page = 1; page <= 4; page++) put(one, page, page === 4 ? 99 : page)
    expect([one.shareEqualTo(other), other.shareEqualTo(one)]).toEqual([3 / 8, 3 / 8])
    expect(one.shareEqualTo(one)).toBe(1)
  })

  it('a page outside of the database -> our own mistake, said at once', () => {
    const sums = new PageSums()
    sums.resize(2)
    for (const page of [0, 3]) expect(() => sums.set(page, 1, 1)).toThrow(`page ${page} is not one of 2`)
  })
})
