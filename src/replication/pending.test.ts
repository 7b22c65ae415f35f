/** What waits to be published: whole transactions only, and of each page the newest content. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { WalPosition } from '../wal/frames.ts'
import { Pending } from './pending.ts'

const header = { pageSize: 512, bigEndian: false, salt1: 1, salt2: 2, checksum: { s1: 0, s2: 0 } }
const placeAfter = (frames: number): WalPosition => ({ header, frames, checksum: { s1: frames, s2: frames } })
const pageOf = (fill: number): Uint8Array => new Uint8Array(512).fill(fill)

interface Written {
  readonly page: number
  readonly fill: number
  /** Pages in the database after it; 0 for a frame that does not commit. */
  readonly commit: number
}

function added(frames: readonly Written[]): Pending {
  const pending = new Pending()
  for (const [at, { page, fill, commit }] of frames.entries()) {
    pending.add({ pageNumber: page, commitPages: commit, pageOffset: 24 }, pageOf(fill), placeAfter(at + 1), 1000 + at)
  }
  return pending
}

const anyFrame: fc.Arbitrary<Written> = fc.record({
  page: fc.integer({ min: 1, max: 6 }),
  fill: fc.integer({ min: 1, max: 255 }),
  commit: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 8 })),
})

describe('what is pending', () => {
  it('nothing was read -> empty', () => {
    const pending = new Pending()
    expect([pending.empty, pending.commits, pending.sizeBytes, pending.databasePages, pending.end, pending.pages.size]).toEqual([
      true,
      0,
      0,
      0,
      null,
      0,
    ])
  })

  it('a transaction has not committed -> nothing of it counts, and the place before it is kept', () => {
    const pending = added([
      { page: 1, fill: 1, commit: 3 },
      { page: 1, fill: 9, commit: 0 },
      { page: 2, fill: 9, commit: 0 },
    ])
    expect([...pending.pages]).toEqual([[1, pageOf(1)]])
    expect([pending.commits, pending.databasePages, pending.end?.frames, pending.lastCommitMs]).toEqual([1, 3, 1, 1000])
  })

  it('the buffer of a page is used again by its reader -> what is pending keeps what it was', () => {
    const pending = new Pending()
    const buffer = pageOf(1)
    pending.add({ pageNumber: 1, commitPages: 0, pageOffset: 24 }, buffer, placeAfter(1), 0)
    buffer.fill(2)
    pending.add({ pageNumber: 2, commitPages: 2, pageOffset: 24 }, buffer, placeAfter(2), 0)
    buffer.fill(3)
    expect([...pending.pages]).toEqual([
      [1, pageOf(1)],
      [2, pageOf(2)],
    ])
  })

  it('any frames -> exactly the whole transactions, the newest content of each page, and the facts of the last commit', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 25 }), (frames) => {
        const pending = added(frames)
        const last = frames.findLastIndex((frame) => frame.commit > 0)
        const whole = frames.slice(0, last + 1)
        const expected = new Map<number, number>()
        for (const { page, fill } of whole) expected.set(page, fill)
        expect(new Map([...pending.pages].map(([page, content]) => [page, content[0]]))).toEqual(expected)
        expect([...pending.pages.values()].every((content) => content.every((byte) => byte === content[0]))).toBe(true)
        const commits = whole.filter((frame) => frame.commit > 0)
        const first = frames.findIndex((frame) => frame.commit > 0)
        expect(pending.commits).toBe(commits.length)
        expect(pending.empty).toBe(commits.length === 0)
        expect(pending.sizeBytes).toBe(expected.size * 512)
        expect(pending.databasePages).toBe(commits.at(-1)?.commit ?? 0)
        expect(pending.end).toEqual(last === -1 ? null : placeAfter(last + 1))
        expect([pending.firstCommitMs, pending.lastCommitMs]).toEqual(last === -1 ? [0, 0] : [1000 + first, 1000 + last])
      }),
    )
  })
})
