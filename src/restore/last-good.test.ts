/** The search for the newest good point. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ReplicaFile } from '../replica/layout.ts'
import { findLastGood } from './last-good.ts'

const points = (count: number): readonly ReplicaFile[] =>
  Array.from({ length: count }, (_, at) => ({ key: `${at}`, level: 0, minTxid: at + 1, maxTxid: at + 1, sizeBytes: 1, timestampMs: at }))

describe('looking for the last good restore point', () => {
  it('the newest is good -> one look', async () => {
    const found = await findLastGood(points(5000), async () => ({ good: true, because: 'ok' }))
    expect(found.good?.maxTxid).toBe(5000)
    expect(found.looked).toHaveLength(1)
  })

  it('none is good -> null: of few each one was looked at, of many the newest, the first and some dozens spread over all', async () => {
    for (const count of [1, 2, 20, 30, 5000]) {
      const found = await findLastGood(points(count), async () => ({ good: false, because: 'bad' }))
      const txids = found.looked.map(({ txid }) => txid)
      expect(found.good).toBeNull()
      expect([txids[0], Math.min(...txids), new Set(txids).size]).toEqual([count, 1, txids.length])
      if (count <= 30) expect(txids).toHaveLength(count)
      expect(txids.length).toBeLessThan(45)
    }
  })

  it('the first points fail a check, the last ones are damaged, some between are good -> the newest of those', async () => {
    const found = await findLastGood(points(8), async ({ maxTxid }) => ({ good: maxTxid >= 3 && maxTxid <= 5, because: '' }))
    expect(found.good?.maxTxid).toBe(5)
  })

  it('good only in one stretch, a thirtieth of all or longer -> the newest of it, restored last', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), fc.nat(), fc.nat(), async (count, from, more) => {
        const least = Math.ceil(count / 30)
        const first = 1 + (from % (count - least + 1))
        const last = Math.min(count, first + least - 1 + (more % count))
        let restored = 0
        const found = await findLastGood(points(count), async ({ maxTxid }) => {
          restored = maxTxid
          return { good: maxTxid >= first && maxTxid <= last, because: '' }
        })
        expect([found.good?.maxTxid, restored]).toEqual([last, last])
        expect(found.looked.length).toBeLessThan(45 + 2 * Math.log2(count + 2))
      }),
      { numRuns: 100 },
    )
  })

  it('no points -> null, nothing looked at', async () => {
    expect(await findLastGood([], async () => ({ good: true, because: '' }))).toEqual({ good: null, looked: [] })
  })

  it('bad from any point on -> the one before it, restored last, in a logarithm of looks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), fc.nat(), async (count, at) => {
        const lastGood = 1 + (at % count)
        let restored = 0
        const found = await findLastGood(points(count), async (point) => {
          restored = point.maxTxid
          return { good: point.maxTxid <= lastGood, because: '' }
        })
        expect(found.good?.maxTxid).toBe(lastGood)
        expect(restored).toBe(lastGood)
        expect(found.looked.length).toBeLessThan(4 + 2 * Math.log2(count + 2))
      }),
      { numRuns: 60 },
    )
  })
})
