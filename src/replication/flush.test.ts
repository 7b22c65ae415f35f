/** What one flush holds: the changed pages, those by which the database grew, and in its header what a restore needs to know. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checksumFlag, pageChecksum } from '../ltx/checksum.ts'
import { decodeHeader } from '../ltx/header.ts'
import { lockPage } from '../ltx/lock-page.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import { PageSums } from '../replica/page-sums.ts'
import { applyToSums, encodeFlush, flushPages } from './flush.ts'
import { Pending } from './pending.ts'

const header = { pageSize: 512, bigEndian: false, salt1: 11, salt2: 22, checksum: { s1: 0, s2: 0 } }
const pageOf = (fill: number, pageSize = 512): Uint8Array => new Uint8Array(pageSize).fill(fill)
/** What the database file has, beside the log. */
const inFile = (page: number): Uint8Array => pageOf(200 + (page % 50))

function committed(pages: readonly (readonly [number, number])[], databasePages: number): Pending {
  const pending = new Pending()
  for (const [at, [page, fill]] of pages.entries()) {
    const commitPages = at === pages.length - 1 ? databasePages : 0
    pending.add(
      { pageNumber: page, commitPages, pageOffset: 24 },
      pageOf(fill),
      { header, frames: at + 1, checksum: { s1: 7, s2: 8 } },
      1000,
    )
  }
  return pending
}
const shown = (pages: readonly (readonly [number, Uint8Array])[]): readonly (readonly [number, number])[] =>
  pages.map(([number, content]) => [number, content[0] ?? 0])

describe('the pages of a flush', () => {
  it('pages changed -> those, in ascending order', () => {
    expect(
      shown(
        flushPages(
          committed(
            [
              [3, 30],
              [1, 10],
              [2, 20],
              [3, 31],
            ],
            5,
          ),
          5,
          512,
          inFile,
        ),
      ),
    ).toEqual([
      [1, 10],
      [2, 20],
      [3, 31],
    ])
  })

  it('the database grew by pages that are not in the log -> read from where SQLite reads them', () => {
    expect(
      shown(
        flushPages(
          committed(
            [
              [1, 10],
              [5, 50],
            ],
            6,
          ),
          3,
          512,
          inFile,
        ),
      ),
    ).toEqual([
      [1, 10],
      [4, 204],
      [5, 50],
      [6, 206],
    ])
  })

  it('the database shrank -> pages beyond its end are left out', () => {
    expect(
      shown(
        flushPages(
          committed(
            [
              [2, 20],
              [7, 70],
              [1, 10],
            ],
            3,
          ),
          9,
          512,
          inFile,
        ),
      ),
    ).toEqual([
      [1, 10],
      [2, 20],
    ])
  })

  it('the database grew past 1 GiB -> the page that SQLite keeps for its locks is not in it, even when the log has it', () => {
    const pageSize = 65536
    const skip = lockPage(pageSize)
    expect(shown(flushPages(committed([[1, 10]], skip + 2), skip - 2, pageSize, inFile)).map(([page]) => page)).toEqual([
      1,
      skip - 1,
      skip + 1,
      skip + 2,
    ])
    expect(
      shown(
        flushPages(
          committed(
            [
              [skip, 66],
              [1, 10],
            ],
            skip + 1,
          ),
          skip + 1,
          pageSize,
          inFile,
        ),
      ).map(([page]) => page),
    ).toEqual([1])
  })

  it('any commit on any database -> ascending, each page once, none beyond the end, every new one there, the newest content', () => {
    const anyPage = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 199 }))
    fc.assert(
      fc.property(
        fc.array(anyPage, { minLength: 1, maxLength: 12 }),
        fc.nat(12),
        fc.integer({ min: 1, max: 12 }),
        (written, published, now) => {
          const pages = flushPages(committed(written, now), published, 512, inFile)
          const numbers = pages.map(([number]) => number)
          expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b))
          const newest = new Map(written)
          const due = [...newest.keys(), ...Array.from({ length: 12 }, (_, at) => at + 1).filter((page) => page > published)]
          expect(new Set(numbers)).toEqual(new Set(due.filter((page) => page <= now)))
          for (const [number, content] of pages)
            expect(content).toEqual(newest.has(number) ? pageOf(newest.get(number) ?? 0) : inFile(number))
        },
      ),
    )
  })
})

describe('the checksums after a flush', () => {
  it('any flushes, one after the other -> those of the database as it is then', () => {
    const anyFlush = fc.record({
      pages: fc.integer({ min: 1, max: 8 }),
      written: fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.nat(255))),
    })
    fc.assert(
      fc.property(fc.array(anyFlush, { maxLength: 6 }), (flushes) => {
        const sums = new PageSums()
        const database = new Map<number, Uint8Array>()
        for (const { pages, written } of flushes) {
          const grown = Array.from({ length: pages }, (_, at) => at + 1).filter((page) => !database.has(page))
          const changed = new Map<number, Uint8Array>(grown.map((page) => [page, inFile(page)]))
          for (const [page, fill] of written) if (page <= pages) changed.set(page, pageOf(fill))
          applyToSums(sums, [...changed], pages)
          for (const [page, content] of changed) database.set(page, content)
          for (const page of [...database.keys()]) if (page > pages) database.delete(page)
        }
        let expected = 0n
        for (const [page, content] of database) expected ^= pageChecksum(page, content)
        expect(sums.rolling).toBe(expected | checksumFlag)
      }),
    )
  })
})

describe('the header of a flush', () => {
  const facts = {
    pageSize: 512,
    databasePages: 3,
    minTxid: 5,
    maxTxid: 5,
    commits: 17,
    firstCommitMs: 1_735_732_800_000,
    lastCommitMs: 1_735_732_800_040,
    rolling: checksumFlag | 99n,
    fromFrame: 4,
    end: { header, frames: 9, checksum: { s1: 7, s2: 8 } },
  }

  it('a log was read -> from where to where, by its salts, and what the point holds', () => {
    const read = decodeHeader(encodeFlush(facts, [[2, pageOf(2)]]))
    expect(read).toMatchObject({
      noChecksum: true,
      pageSize: 512,
      commit: 3,
      minTxid: 5,
      maxTxid: 5,
      timestampMs: facts.lastCommitMs,
      preApply: 0n,
    })
    expect(read).toMatchObject({ walOffset: 32 + 4 * 536, walSize: 5 * 536, walSalt1: 11, walSalt2: 22 })
    expect(decodeRestorePoint(read.reserved)).toEqual({
      postApply: facts.rolling,
      frameChecksum: (7n << 32n) | 8n,
      commits: 17,
      spanMs: 40,
    })
  })

  it('there was no log -> none is described, and no frame is named', () => {
    const read = decodeHeader(encodeFlush({ ...facts, fromFrame: 0, end: null }, []))
    expect(read).toMatchObject({ walOffset: 32, walSize: 0, walSalt1: 0, walSalt2: 0 })
    expect(decodeRestorePoint(read.reserved)).toMatchObject({ frameChecksum: null })
  })

  it('the clock went back between two commits -> they lie no time apart', () => {
    const read = decodeHeader(encodeFlush({ ...facts, lastCommitMs: facts.firstCommitMs - 5000 }, []))
    expect(decodeRestorePoint(read.reserved)).toMatchObject({ commits: 17, spanMs: 0 })
  })
})
