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

  it('none is good -> null, and the first one was looked at too', async () => {
    const found = await findLastGood(points(20), async () => ({ good: false, because: 'bad' }))
    expect(found.good).toBeNull()
    expect(found.looked.at(-1)?.txid).toBe(1)
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
