/** Plans from listings: what a restore reads, and when it must say that it cannot. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDrError } from '../errors.ts'
import { type ReplicaFile, snapshotLevel } from './layout.ts'
import { planRestore, pointAtTime, restorePoints } from './plan.ts'

const file = (level: number, minTxid: number, maxTxid: number): ReplicaFile => ({
  key: `ltx/${level}/${minTxid}-${maxTxid}`,
  level,
  minTxid,
  maxTxid,
  sizeBytes: 100,
  timestampMs: maxTxid * 1000,
})
const names = (files: readonly ReplicaFile[]): readonly string[] => files.map((one) => `${one.level}:${one.minTxid}-${one.maxTxid}`)
const flushes = (from: number, to: number): ReplicaFile[] => Array.from({ length: to - from + 1 }, (_, at) => file(0, from + at, from + at))
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (isDrError(error)) return error.code
    throw error
  }
  return 'nothing thrown'
}

describe('planning a restore', () => {
  it('snapshot and flushes -> the snapshot, then each flush', () => {
    const files = [file(9, 1, 1), ...flushes(2, 4)]
    expect(names(planRestore(files, 'latest').files)).toEqual(['9:1-1', '0:2-2', '0:3-3', '0:4-4'])
  })

  it('a later snapshot after lost continuity -> begins there, although its own flush is absent at level 0', () => {
    const files = [file(9, 1, 1), ...flushes(2, 4), file(9, 1, 5), ...flushes(6, 7)]
    expect(names(planRestore(files, 'latest').files)).toEqual(['9:1-5', '0:6-6', '0:7-7'])
    expect(names(planRestore(files, { txid: 4 }).files)).toEqual(['9:1-1', '0:2-2', '0:3-3', '0:4-4'])
  })

  it('compacted levels -> the file that reaches furthest, each time', () => {
    const files = [file(9, 1, 1), file(2, 2, 6), file(1, 2, 4), file(1, 5, 7), ...flushes(2, 9)]
    expect(names(planRestore(files, 'latest').files)).toEqual(['9:1-1', '2:2-6', '1:5-7', '0:8-8', '0:9-9'])
  })

  it('a flush missing in the middle -> a gap that is named, and the last point before it', () => {
    const files = [file(9, 1, 1), ...flushes(2, 3), ...flushes(5, 6)]
    expect(codeOf(() => planRestore(files, 'latest'))).toBe('REPLICA_GAP')
    expect(codeOf(() => planRestore(files, { txid: 6 }))).toBe('REPLICA_GAP')
    expect(planRestore(files, { txid: 3 }).txid).toBe(3)
    expect(planRestore(files, 'newest-reachable').txid).toBe(3)
  })

  it('an empty replica, a txid inside a compaction, before the first, after the last -> each said as what it is', () => {
    expect(codeOf(() => planRestore([], 'latest'))).toBe('REPLICA_EMPTY')
    const files = [file(9, 1, 3), file(1, 4, 8)]
    for (const txid of [2, 6, 9]) expect(codeOf(() => planRestore(files, { txid }))).toBe('POINT_NOT_FOUND')
  })

  it('no snapshot at all -> a gap from the beginning', () => {
    expect(codeOf(() => planRestore(flushes(2, 5), 'latest'))).toBe('REPLICA_GAP')
  })

  it('a time between two points -> the earlier; before the first and after the last -> refused with the range', () => {
    const points = restorePoints([file(9, 1, 1), ...flushes(2, 4)])
    expect(pointAtTime(points, 2999).maxTxid).toBe(2)
    expect(pointAtTime(points, 3000).maxTxid).toBe(3)
    expect(codeOf(() => pointAtTime(points, 999))).toBe('POINT_NOT_FOUND')
    expect(codeOf(() => pointAtTime(points, 4001))).toBe('POINT_NOT_FOUND')
  })

  it('the first was made with a clock that was ahead -> the later ones are found by their times, and all times that any has', () => {
    const points = [{ ...file(9, 1, 1), timestampMs: 90_000 }, ...flushes(2, 4)]
    expect([2000, 3999, 4000, 89_000, 90_000].map((ms) => pointAtTime(points, ms).maxTxid)).toEqual([2, 3, 4, 4, 4])
    expect([1999, 90_001].map((ms) => codeOf(() => pointAtTime(points, ms)))).toEqual(['POINT_NOT_FOUND', 'POINT_NOT_FOUND'])
  })

  it('any set of files -> its restore points are those that a restore can end at, and no others', () => {
    const anyFile = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 6 }))
    const snapshots = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 2 })
    fc.assert(
      fc.property(fc.array(anyFile, { maxLength: 20 }), snapshots, (parts, ends) => {
        const files = [
          ...ends.map((end) => file(snapshotLevel, 1, end)),
          ...parts.map(([level, from, more]) => file(level, from, from + more)),
        ]
        const restorable = (txid: number): boolean => codeOf(() => planRestore(files, { txid })) === 'nothing thrown'
        const txids = Array.from({ length: 20 }, (_, at) => at + 1)
        expect(restorePoints(files).map(({ maxTxid }) => maxTxid)).toEqual(txids.filter(restorable))
      }),
    )
  })

  it('any set of files -> a plan that leaves no txid out and ends where it says, whatever the order of the listing', () => {
    const anyFile = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 6 }))
    fc.assert(
      fc.property(fc.array(anyFile, { maxLength: 20 }), fc.integer({ min: 1, max: 12 }), (parts, snapshotEnd) => {
        const files = [
          file(snapshotLevel, 1, snapshotEnd),
          ...parts.map(([level, min, more]) => file(level, min, level === 0 ? min : min + more)),
        ]
        const plan = planRestore(files, 'newest-reachable')
        let reached = 0
        for (const one of plan.files) {
          expect(one.minTxid).toBeLessThanOrEqual(reached + 1)
          expect(one.maxTxid).toBeGreaterThan(reached)
          reached = one.maxTxid
        }
        expect(reached).toBe(plan.txid)
        expect(planRestore(files.toReversed(), 'newest-reachable').txid).toBe(plan.txid)
      }),
    )
  })
})
