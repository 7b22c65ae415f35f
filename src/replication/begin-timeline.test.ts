/** A timeline begins with a claim and then the files of its fork: died in the middle, the next beginning of the same fork goes on there. */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forkOf, putFile, putHistory } from '../../test/support/small-replica.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { seededRandom } from '../drill/seeded-random.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, chooseTimeline, newestComplete, reachablePoints, readCatalogue } from '../replica/catalogue.ts'
import { timelineKey } from '../replica/layout.ts'
import { encodeTimeline } from '../replica/timeline.ts'
import { beginFirstTimeline, beginFork, type TimelineWorld } from './begin-timeline.ts'

let folder = ''
let store: ObjectStore
let world: TimelineWorld
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'begin-timeline-'))
  store = await openFolderStore('file:replica', folder)
  world = {
    store,
    databasePath: '/bot.db',
    random: seededRandom(1),
    clock: { wallMs: () => 5000, monotonicMs: () => 0, sleep: async () => {} },
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const keys = async (prefix = ''): Promise<readonly string[]> => (await store.list(prefix)).map((object) => object.key)
const parentOf = async (number: string): Promise<CatalogueTimeline> => chooseTimeline(await readCatalogue(store), number)
const fork = async (number: string, txid: number, over: TimelineWorld = world) =>
  beginFork(over, await readCatalogue(store), await parentOf(number), txid)
/** Dies at its n-th link, which is not made. */
const dyingAtLink = (n: number): TimelineWorld => {
  let count = 0
  const link: ObjectStore['link'] = async (from, to) => {
    if (++count >= n) throw new Error('the process died')
    return store.link(from, to)
  }
  return { ...world, store: { ...store, link } }
}

describe('the first timeline', () => {
  it('the replica is empty -> number 1, without a parent, and a random id', async () => {
    const timeline = await beginFirstTimeline(world, await readCatalogue(store))
    expect(timeline).toMatchObject({ number: '00000001', parent: null, database: '/bot.db', createdAtMs: 5000 })
    expect(timeline.id).toMatch(/^[0-9a-f]{16}$/)
    expect((await readCatalogue(store)).timelines).toMatchObject([{ ...timeline, complete: false }])
  })

  it('two begin it at once -> one has it, the other is told so and wrote nothing', async () => {
    const catalogue = await readCatalogue(store)
    const settled = await Promise.allSettled([beginFirstTimeline(world, catalogue), beginFirstTimeline(world, catalogue)])
    expect(settled.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(settled.find((one) => one.status === 'rejected')?.reason).toMatchObject({ code: 'TIMELINE_SEALED' })
    expect(await keys()).toEqual([timelineKey('00000001')])
  })

  it('Litestream wrote the replica -> REPLICA_FOREIGN, and nothing is written', async () => {
    const key = await putFile(store, { timeline: null, level: 9, minTxid: 1, maxTxid: 1 })
    await expect(beginFirstTimeline(world, await readCatalogue(store))).rejects.toMatchObject({ code: 'REPLICA_FOREIGN' })
    expect(await keys()).toEqual([key])
  })
})

describe('a fork', () => {
  it('at an older point -> the next number, complete at that point, by files that are shared with the parent', async () => {
    await putHistory(store, '00000001', [1, 2, 3, 4])
    const timeline = await fork('00000001', 3)
    expect(timeline).toMatchObject({ number: '00000002', parent: { number: '00000001', id: 'id-of-00000001', forkTxid: 3 } })
    const child = newestComplete(await readCatalogue(store))
    expect(child).toMatchObject({ number: '00000002', latestTxid: 3, complete: true })
    expect(child.files.every((file) => file.key.startsWith('00000002/'))).toBe(true)
    expect(reachablePoints(child).map((point) => point.maxTxid)).toEqual([1, 2, 3])
    for (const { key } of child.files)
      expect(statSync(join(folder, key)).ino).toBe(statSync(join(folder, key.replace('00000002', '00000001'))).ino)
    expect((await parentOf('00000001')).latestTxid).toBe(4)
  })

  it('of a fork -> it is complete on its own, with files from both ancestors', async () => {
    const first = await putHistory(store, '00000001', [1, 2, 3])
    await putHistory(store, '00000002', [3, 4], forkOf(first, 2))
    await fork('00000002', 4)
    expect((await keys('00000003/ltx/')).map((key) => key.slice(9))).toEqual([
      'ltx/0/0000000000000002-0000000000000002.ltx',
      'ltx/0/0000000000000003-0000000000000003.ltx',
      'ltx/0/0000000000000004-0000000000000004.ltx',
      'ltx/9/0000000000000001-0000000000000001.ltx',
    ])
  })

  it('the newest timeline is 0000000f -> 00000010: numbers are hex', async () => {
    await putHistory(store, '0000000f', [1])
    expect((await fork('0000000f', 1)).number).toBe('00000010')
  })

  it('at a point that is none, or beyond a gap -> refused, and no number is claimed', async () => {
    await putHistory(store, '00000001', [1, 2, 4])
    await expect(fork('00000001', 3)).rejects.toMatchObject({ code: 'POINT_NOT_FOUND' })
    await expect(fork('00000001', 4)).rejects.toMatchObject({ code: 'REPLICA_GAP' })
    expect(await store.folders('')).toEqual(['00000001'])
  })

  it('two begin it at once -> one has it, the other is told so', async () => {
    await putHistory(store, '00000001', [1, 2])
    const settled = await Promise.allSettled([fork('00000001', 2), fork('00000001', 2)])
    const refused = settled.filter((one) => one.status === 'rejected')
    expect(refused.map((one) => one.reason.code)).toEqual(refused.map(() => 'TIMELINE_SEALED'))
    expect(refused.length).toBeLessThan(2)
    expect(await store.folders('')).toEqual(['00000001', '00000002'])
  })
})

describe('a fork whose process died', () => {
  it.each([1, 2, 3])(
    'at its link %i of 3 -> a restore has its way, and the next beginning goes on with the same timeline',
    async (link) => {
      await putHistory(store, '00000001', [1, 2, 3, 4])
      await expect(fork('00000001', 3, dyingAtLink(link))).rejects.toThrow('the process died')
      expect(await keys('00000002/ltx/')).toHaveLength(link - 1)
      const claimed = await parentOf('00000002')
      const usable = newestComplete(await readCatalogue(store))
      expect([usable.latestTxid, usable.files.length]).toEqual([3, 3])
      expect(await fork('00000001', 3)).toMatchObject({ number: '00000002', id: claimed.id })
      expect(await keys('00000002/ltx/')).toHaveLength(3)
      expect(await store.folders('')).toEqual(['00000001', '00000002'])
      expect((await parentOf('00000001')).latestTxid).toBe(4)
    },
  )

  it('before the claim was made -> nothing is there, and the number is free', async () => {
    await putHistory(store, '00000001', [1, 2])
    const create: ObjectStore['create'] = () => Promise.reject(new Error('the process died'))
    await expect(fork('00000001', 2, { ...world, store: { ...store, create } })).rejects.toThrow('the process died')
    expect((await fork('00000001', 2)).number).toBe('00000002')
  })

  it('and it is begun at another point now -> a timeline of its own', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    await expect(fork('00000001', 3, dyingAtLink(1))).rejects.toThrow('the process died')
    expect(await fork('00000001', 2)).toMatchObject({ number: '00000003', parent: { forkTxid: 2 } })
  })

  it('and somebody added to it since -> it is theirs, and a timeline of its own begins', async () => {
    await putHistory(store, '00000001', [1, 2])
    await fork('00000001', 2)
    await putFile(store, { timeline: '00000002', level: 0, minTxid: 3, maxTxid: 3 })
    expect(await fork('00000001', 2)).toMatchObject({ number: '00000003', parent: { number: '00000001', forkTxid: 2 } })
    expect((await parentOf('00000002')).latestTxid).toBe(3)
  })

  it('and a timeline of the same number, but another parent, stands there -> it is not taken for ours', async () => {
    await putHistory(store, '00000001', [1, 2])
    const theirs = {
      number: '00000002',
      id: 'theirs',
      parent: { number: '00000001', id: 'another', forkTxid: 2 },
      database: null,
      createdAtMs: 0,
    }
    await store.create(timelineKey('00000002'), encodeTimeline(theirs), 0)
    expect((await fork('00000001', 2)).number).toBe('00000003')
  })
})
