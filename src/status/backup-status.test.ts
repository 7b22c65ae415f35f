/** What can be restored, from a real folder: points, forks, gaps, and when it was last proven. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forkOf, putFile, putHistory, putTimeline, timeOf } from '../../test/support/small-replica.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Verification } from '../ports/verification-log.ts'
import { type BackupStatus, backupStatus } from './backup-status.ts'

let folder = ''
let store: ObjectStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backup-status-'))
  store = await openFolderStore('file:/replica', folder)
})
afterEach(() => rmSync(folder, { recursive: true }))

const status = (
  over: { readonly verified?: Verification | null; readonly nowMs?: number; readonly lagMs?: number | null } = {},
): Promise<BackupStatus> => {
  const verifications = { read: async () => over.verified ?? null, write: () => Promise.reject(new Error('looking writes nothing')) }
  return backupStatus({ store, verifications }, '/data/bot.db', over.nowMs ?? timeOf(10), over.lagMs ?? null)
}

describe('what can be restored', () => {
  it('nothing was ever copied -> nothing, and nobody wrote it', async () => {
    expect(await status()).toEqual({
      database: '/data/bot.db',
      replica: 'file:/replica',
      timeline: null,
      points: 0,
      earliest: null,
      latest: null,
      txid: null,
      ageMs: null,
      lagMs: null,
      verifiedAt: null,
      verifiedTxid: null,
      proof: { state: 'none', ageMs: null, durationMs: null },
      sizeBytes: 0,
      writtenBy: 'nobody',
      timelines: [],
      damaged: [],
    })
  })

  it('one timeline -> how many points, from when to when, and how old the newest is', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    expect(await status({ lagMs: 7 })).toMatchObject({
      timeline: '00000001',
      points: 3,
      earliest: '1970-01-01T00:00:01.000Z',
      latest: '1970-01-01T00:00:03.000Z',
      txid: '0000000000000003',
      ageMs: 7000,
      lagMs: 7,
      writtenBy: 'genesis-dr',
      timelines: [
        {
          timeline: '00000001',
          parent: null,
          forkTxid: null,
          complete: true,
          points: 3,
          latestTxid: '0000000000000003',
          beyondGapTxid: null,
        },
      ],
    })
  })

  it('the clock was set back since the newest point -> it is not younger than now', async () => {
    await putHistory(store, '00000001', [1, 2])
    expect((await status({ nowMs: 0 })).ageMs).toBe(0)
  })

  it('Litestream wrote it -> said, without a timeline', async () => {
    await putFile(store, { timeline: null, level: 9, minTxid: 1, maxTxid: 1, commits: null })
    expect(await status()).toMatchObject({
      writtenBy: 'litestream',
      timeline: null,
      points: 1,
      timelines: [{ timeline: null, parent: null }],
    })
  })

  it('files are missing -> the points before the gap, and that there are some beyond it', async () => {
    await putHistory(store, '00000001', [1, 2, 5, 6])
    expect(await status()).toMatchObject({
      points: 2,
      txid: '0000000000000002',
      timelines: [{ points: 2, latestTxid: '0000000000000002', beyondGapTxid: '0000000000000006' }],
    })
  })

  it('a fork -> it counts what it inherits; files that both list count once in the size', async () => {
    const parent = await putHistory(store, '00000001', [1, 2, 3])
    await putHistory(store, '00000002', [3, 4], forkOf(parent, 2))
    const sizes = (await store.list('')).filter((object) => object.key.endsWith('.ltx')).map((object) => object.sizeBytes)
    expect(await status()).toMatchObject({
      timeline: '00000002',
      points: 4,
      sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      timelines: [
        { timeline: '00000001', points: 3 },
        { timeline: '00000002', parent: '00000001', forkTxid: '0000000000000002', points: 4 },
      ],
    })
  })

  it('the newest timeline is not complete -> shown as such, and the one before is what can be restored', async () => {
    const parent = await putHistory(store, '00000001', [1, 2, 4])
    await putTimeline(store, '00000002', forkOf(parent, 4))
    await putTimeline(store, '00000003')
    expect(await status()).toMatchObject({
      timeline: '00000001',
      points: 2,
      timelines: [
        { complete: true },
        { complete: false, latestTxid: '0000000000000002', beyondGapTxid: '0000000000000004' },
        { complete: false, latestTxid: null },
      ],
    })
  })

  it('the record of a timeline is damaged -> said, with its key; the others are shown all the same', async () => {
    await putHistory(store, '00000001', [1, 2])
    await store.create('00000002/timeline.json', new TextEncoder().encode('rot'), 0)
    expect(await status()).toMatchObject({
      timelines: [{ timeline: '00000001', points: 2 }],
      damaged: ['00000002/timeline.json is not a timeline record (3 bytes)'],
    })
  })
})

describe('when it was proven', () => {
  const proof: Verification = { replica: 'file:/replica', timeline: '00000001', txid: 2, atMs: timeOf(5), passed: true, durationMs: 12 }

  it('a restore passed -> when, and of which point; one that failed, or none -> never', async () => {
    await putHistory(store, '00000001', [1, 2])
    expect(await status({ verified: proof })).toMatchObject({ verifiedAt: '1970-01-01T00:00:05.000Z', verifiedTxid: '0000000000000002' })
    for (const verified of [null, { ...proof, passed: false }]) {
      expect(await status({ verified })).toMatchObject({ verifiedAt: null, verifiedTxid: null })
    }
  })

  it.each<[string, Partial<Verification>, BackupStatus['proof']]>([
    ['that is there', {}, { state: 'passed', ageMs: 5000, durationMs: 12 }],
    ['that is there, with a time ahead of the clock', { atMs: timeOf(11) }, { state: 'passed', ageMs: null, durationMs: 12 }],
    ['that is gone from the replica', { txid: 3 }, { state: 'gone', ageMs: 5000, durationMs: 12 }],
    ['of a timeline that is gone', { timeline: '00000002' }, { state: 'gone', ageMs: 5000, durationMs: 12 }],
    ['of another replica', { replica: 'file:/former' }, { state: 'gone', ageMs: 5000, durationMs: 12 }],
    ['that did not pass', { passed: false }, { state: 'failed', ageMs: 5000, durationMs: 12 }],
  ])('of a point %s -> %j is worth %j', async (_, over, worth) => {
    await putHistory(store, '00000001', [1, 2])
    expect((await status({ verified: { ...proof, ...over } })).proof).toEqual(worth)
  })
})
