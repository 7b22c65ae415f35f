/** The restore point that a person means, by txid or by time; and times that a copy of the replica has lost. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forkOf, putFile, putHistory, putTimeline, type SmallFile, timeOf } from '../../test/support/small-replica.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { aboutPoint, choosePoint } from './choose-point.ts'

let folder = ''
let store: ObjectStore
const opened: string[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'choose-point-'))
  const real = await openFolderStore('file:replica', folder)
  opened.length = 0
  store = {
    ...real,
    open: async (key) => {
      if (key.endsWith('.ltx')) opened.push(key)
      return real.open(key)
    },
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const atTime = async (epochMs: number, number: string | null = null) =>
  (await choosePoint(store, number, { kind: 'time', epochMs })).plan.txid

describe('a restore point', () => {
  it('the newest is meant -> the newest of the newest timeline', async () => {
    await putHistory(store, '00000001', [1, 2])
    expect(await choosePoint(store, null, { kind: 'latest' })).toMatchObject({
      timeline: { number: '00000001' },
      plan: { txid: 2, files: [{ maxTxid: 1 }, { maxTxid: 2 }] },
    })
  })

  it('a txid is meant -> that one, on the timeline that is named', async () => {
    const parent = await putHistory(store, '00000001', [1, 2, 3])
    await putHistory(store, '00000002', [3], forkOf(parent, 2))
    const chosen = await choosePoint(store, '00000001', { kind: 'txid', txid: 3 })
    expect(chosen).toMatchObject({ plan: { txid: 3 }, timeline: { number: '00000001' } })
  })

  it('the last good one is meant -> the newest that can be reached, before a gap; where none can, why', async () => {
    await putHistory(store, '00000001', [1, 2, 4])
    expect(await choosePoint(store, null, { kind: 'last-good' })).toMatchObject({ plan: { txid: 2 } })
    await putTimeline(store, '00000002')
    await expect(choosePoint(store, '00000002', { kind: 'last-good' })).rejects.toMatchObject({ code: 'REPLICA_EMPTY' })
    await putFile(store, { timeline: '00000002', level: 0, minTxid: 3, maxTxid: 3 })
    await expect(choosePoint(store, '00000002', { kind: 'last-good' })).rejects.toMatchObject({ code: 'REPLICA_GAP' })
    await expect(choosePoint(store, 'deadbeef', { kind: 'last-good' })).rejects.toMatchObject({ code: 'POINT_NOT_FOUND' })
  })

  it('nothing was ever copied -> REPLICA_EMPTY; the timeline is not there -> POINT_NOT_FOUND', async () => {
    await expect(choosePoint(store, null, { kind: 'latest' })).rejects.toMatchObject({ code: 'REPLICA_EMPTY' })
    await putHistory(store, '00000001', [1])
    await expect(choosePoint(store, '00000009', { kind: 'latest' })).rejects.toMatchObject({ code: 'POINT_NOT_FOUND' })
  })
})

describe('a restore point by time', () => {
  it('between two points -> the earlier; at a point -> that one', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    expect(await atTime(timeOf(3) - 1)).toBe(2)
    expect(await atTime(timeOf(3))).toBe(3)
    expect(await atTime(timeOf(1))).toBe(1)
  })

  it('before the first, or after the last -> POINT_NOT_FOUND, with what there is', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    const range = 'restore points go from 1970-01-01T00:00:01.000Z to 1970-01-01T00:00:03.000Z'
    await expect(atTime(timeOf(1) - 1)).rejects.toMatchObject({
      code: 'POINT_NOT_FOUND',
      message: `1970-01-01T00:00:00.999Z is before the first point; ${range}`,
    })
    await expect(atTime(timeOf(3) + 1)).rejects.toMatchObject({
      code: 'POINT_NOT_FOUND',
      message: `1970-01-01T00:00:03.001Z is after the last point; ${range}`,
    })
  })

  it('on a fork -> among the points up to the fork and those after it; on its parent -> among those of the parent', async () => {
    const parent = await putHistory(store, '00000001', [1, 2, 3, 4])
    await putHistory(store, '00000002', [9], forkOf(parent, 2))
    await putFile(store, { timeline: '00000002', level: 0, minTxid: 3, maxTxid: 3, timestampMs: timeOf(100) })
    expect(await atTime(timeOf(4))).toBe(2)
    expect(await atTime(timeOf(100))).toBe(3)
    expect(await atTime(timeOf(4), '00000001')).toBe(4)
  })

  it('beyond a gap -> what lies there cannot be had, and is not chosen', async () => {
    await putHistory(store, '00000001', [1, 2, 4])
    await expect(atTime(timeOf(4))).rejects.toMatchObject({ code: 'POINT_NOT_FOUND' })
    expect(await atTime(timeOf(2))).toBe(2)
  })
})

describe('what is to be known of a point that was chosen by its time', () => {
  const about = async (txid: number) => {
    const { timeline } = await choosePoint(store, null, { kind: 'txid', txid })
    return aboutPoint(store, { kind: 'time', epochMs: 0 }, timeline, txid)
  }
  const put = (maxTxid: number, over: Partial<SmallFile>) =>
    putFile(store, { timeline: '00000001', level: 0, minTxid: maxTxid, maxTxid, ...over })

  it('the next one has its commits -> nothing', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    expect(await Promise.all([1, 2, 3].map(about))).toEqual([[], [], []])
  })

  it.each([
    ['a diff that found the database changed', { commits: 1048575 }],
    ['a snapshot, because the replica lost what was before it', { level: 9, minTxid: 1 }],
  ])('the next one is %s -> between the two nothing can be had', async (_, over) => {
    await putHistory(store, '00000001', [1, 2])
    await put(3, { ...over, timestampMs: timeOf(60) })
    expect(await about(2)).toEqual([
      'between 1970-01-01T00:00:02.000Z and 1970-01-01T00:01:00.000Z the replica has no restore point: what was committed then was not copied commit by commit, or the replica lost it',
    ])
  })

  it('the next one brings several commits a while later -> they may have been made before the time that is meant', async () => {
    await putHistory(store, '00000001', [1, 2])
    await put(3, { commits: 5, timestampMs: timeOf(60) })
    expect(await about(2)).toEqual([expect.stringContaining('brings 5 commits in one piece')])
  })

  it('the database was on another timeline at that time -> that one is named', async () => {
    await putHistory(store, '00000001', [1, 2, 3, 4])
    await putTimeline(store, '00000002', { number: '00000001', id: 'id-of-00000001', forkTxid: 2 })
    await putFile(store, { timeline: '00000002', level: 0, minTxid: 3, maxTxid: 3, timestampMs: timeOf(90) })
    const at = { kind: 'time', epochMs: timeOf(4) } as const
    const { timeline, plan } = await choosePoint(store, null, at)
    expect([timeline.number, plan.txid]).toEqual(['00000002', 2])
    expect((await aboutPoint(store, at, timeline, 2))[0]).toContain('--timeline 00000001 restores from it')
  })

  it('the clock was set back behind it -> its number says more than its time', async () => {
    await putHistory(store, '00000001', [1, 2])
    await put(3, { timestampMs: timeOf(1) })
    expect(await about(2)).toEqual([
      expect.stringMatching(/^the clock was set back behind this point \(the next one is of 1970-01-01T00:00:01/),
    ])
  })
})

describe('a replica whose store lost the times', () => {
  const copied = (txid: number, storeMs: number) =>
    putFile(store, { timeline: '00000001', level: txid === 1 ? 9 : 0, minTxid: txid, maxTxid: txid, storeMs })

  it.each([
    ['all of them are the time of the copying', () => timeOf(1000)],
    ['they come in another order', (txid: number) => timeOf(10 - txid)],
    ['all of them are zero', () => 0],
    ['one between is that of the copying', (txid: number) => (txid === 3 ? timeOf(1000) : timeOf(txid))],
  ])('%s -> the times inside of the files decide', async (_, storeMs) => {
    await putHistory(store, '00000001', [])
    for (const txid of [1, 2, 3, 4, 5]) await copied(txid, storeMs(txid))
    for (const txid of [1, 2, 3, 4, 5]) expect(await atTime(timeOf(txid))).toBe(txid)
    expect(await atTime(timeOf(3) + 999)).toBe(3)
    await expect(atTime(timeOf(5) + 1)).rejects.toMatchObject({ code: 'POINT_NOT_FOUND' })
    await expect(atTime(timeOf(1) - 1)).rejects.toMatchObject({ code: 'POINT_NOT_FOUND' })
  })

  it('any of them are any times at all -> the times inside of the files decide', async () => {
    let played = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 6 }), async (stated) => {
        store = await openFolderStore('file:replica', join(folder, `${played++}`))
        await putHistory(store, '00000001', [])
        for (const [at, second] of stated.entries()) await copied(at + 1, timeOf(second))
        for (const txid of stated.keys()) expect(await atTime(timeOf(txid + 1))).toBe(txid + 1)
      }),
      { numRuns: 40 },
    )
  })

  it('the times are right -> a few files are opened, not all of them', async () => {
    await putHistory(
      store,
      '00000001',
      Array.from({ length: 20 }, (_, at) => at + 1),
    )
    opened.length = 0
    expect(await atTime(timeOf(12))).toBe(12)
    expect(new Set(opened).size).toBe(4)
  })
})
