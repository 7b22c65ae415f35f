/** What is found in a replica: timelines with what they inherit, folders that are nobody's, and replicas that Litestream wrote. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clear, makeSystem, type TestSystem } from '../../test/support/system.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { isDrError } from '../errors.ts'
import { type Catalogue, chooseTimeline, currentTimeline, newestComplete, readCatalogue } from './catalogue.ts'
import { fileKey, snapshotLevel, timelineKey } from './layout.ts'
import { encodeTimeline, type TimelineFork } from './timeline.ts'

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

function write(key: string, bytes: Uint8Array | string): void {
  const path = join(system.replica, key)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

const id = (number: string): string => `id-of-${number}`
const claim = (number: string, parent: TimelineFork | null = null): void =>
  write(timelineKey(number), encodeTimeline({ number, id: id(number), parent, database: null, createdAtMs: 1 }))
const forkOf = (number: string, forkTxid: number): TimelineFork => ({ number, id: id(number), forkTxid })
/** Content does not matter here: a catalogue is made from names. */
const snapshot = (timeline: string | null, txid: number): void => write(fileKey('folder', timeline, snapshotLevel, 1, txid), 'x')
const flushes = (timeline: string | null, from: number, to: number): void => {
  for (let txid = from; txid <= to; txid++) write(fileKey('folder', timeline, 0, txid, txid), 'x')
}
const read = async (): Promise<Catalogue> => readCatalogue(await openFolderStore('file:replica', system.replica))
const keysOf = (catalogue: Catalogue, number: string): readonly string[] =>
  chooseTimeline(catalogue, number).files.map(({ key }) => key.replace(/^(\d+)\/.*-0*(\d+)\.ltx$/, '$1 to $2'))

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (isDrError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  return 'nothing was refused'
}

describe('a replica', () => {
  it('that does not exist -> no timelines, and a restore says that nothing was ever copied', async () => {
    const catalogue = await read()
    expect([catalogue.timelines, catalogue.foreign]).toEqual([[], false])
    expect(await refusal(() => newestComplete(catalogue))).toMatch(/^REPLICA_EMPTY: /)
  })

  it('with one timeline -> its files, its newest point, and names of no meaning are passed over', async () => {
    claim('00000001')
    snapshot('00000001', 1)
    flushes('00000001', 2, 4)
    write('00000001/ltx/0/0000000000000005-0000000000000005.ltx.tmp', 'half')
    write('00000001/ltx/0/notes.txt', 'mine')
    write('ltx.txt', 'mine')
    const catalogue = await read()
    expect(catalogue.timelines).toMatchObject([{ number: '00000001', latestTxid: 4, listedTxid: 4, complete: true, parent: null }])
    expect(newestComplete(catalogue).files).toHaveLength(4)
  })

  it('with a missing flush -> the newest point is before the gap, and the newest file is known too', async () => {
    claim('00000001')
    snapshot('00000001', 1)
    flushes('00000001', 2, 3)
    flushes('00000001', 5, 6)
    expect((await read()).timelines).toMatchObject([{ latestTxid: 3, listedTxid: 6, complete: true }])
  })

  it('written by Litestream -> one timeline without a number, read as it is', async () => {
    snapshot(null, 3)
    flushes(null, 1, 5)
    const catalogue = await read()
    expect(catalogue).toMatchObject({ foreign: true, timelines: [{ number: null, latestTxid: 5, complete: true }] })
    expect(await refusal(() => chooseTimeline(catalogue, '00000001'))).toMatch(
      /^POINT_NOT_FOUND: .* it has none \(written by Litestream\)$/,
    )
  })
})

describe('timelines that fork', () => {
  it('a fork has what its parent had up to there, and nothing that the parent did later', async () => {
    claim('00000001')
    snapshot('00000001', 1)
    flushes('00000001', 2, 6)
    claim('00000002', forkOf('00000001', 3))
    flushes('00000002', 4, 5)
    const catalogue = await read()
    expect(keysOf(catalogue, '00000002')).toEqual(['00000002 to 4', '00000002 to 5', '00000001 to 1', '00000001 to 2', '00000001 to 3'])
    expect(catalogue.timelines).toMatchObject([{ latestTxid: 6 }, { latestTxid: 5, complete: true }])
    expect(newestComplete(catalogue).number).toBe('00000002')
  })

  it('a fork of a fork that goes back further -> the earlier fork counts for the first of them', async () => {
    claim('00000001')
    snapshot('00000001', 1)
    flushes('00000001', 2, 9)
    claim('00000002', forkOf('00000001', 6))
    flushes('00000002', 7, 8)
    claim('00000003', forkOf('00000002', 4))
    flushes('00000003', 5, 5)
    const catalogue = await read()
    expect(keysOf(catalogue, '00000003')).toEqual(['00000003 to 5', '00000001 to 1', '00000001 to 2', '00000001 to 3', '00000001 to 4'])
  })

  it('a snapshot of the parent that lies beyond the fork -> not used for it', async () => {
    claim('00000001')
    snapshot('00000001', 1)
    flushes('00000001', 2, 4)
    snapshot('00000001', 5)
    claim('00000002', forkOf('00000001', 3))
    expect(keysOf(await read(), '00000002')).toEqual(['00000001 to 1', '00000001 to 2', '00000001 to 3'])
  })

  it('a fork whose parent was deleted: complete by its own links, incomplete without -> then the parent line is used', async () => {
    claim('00000002', forkOf('00000001', 3))
    snapshot('00000002', 1)
    flushes('00000002', 2, 3)
    claim('00000003', forkOf('00000001', 7))
    const catalogue = await read()
    expect(catalogue.timelines.map(({ complete }) => complete)).toEqual([true, false])
    expect(newestComplete(catalogue).number).toBe('00000002')
  })

  it('a parent of the same number but another id -> not its parent', async () => {
    claim('00000001')
    snapshot('00000001', 9)
    claim('00000002', { number: '00000001', id: 'another', forkTxid: 9 })
    expect((await read()).timelines).toMatchObject([{ complete: true }, { files: [], latestTxid: 0, complete: false }])
  })

  it('two that name each other as parents -> each is read once', async () => {
    claim('00000001', forkOf('00000002', 2))
    claim('00000002', forkOf('00000001', 2))
    snapshot('00000001', 2)
    expect((await read()).timelines.map(({ files }) => files.length)).toEqual([1, 1])
  })

  it('a folder of a name of ours without its claim, and nothing in it -> nobody owns it', async () => {
    mkdirSync(join(system.replica, '00000001'), { recursive: true })
    expect(await read()).toMatchObject({ timelines: [], damaged: [] })
  })

  it('a folder without its claim, and files in it -> the record was lost: never passed over, and it can be had by its number', async () => {
    claim('00000001')
    snapshot('00000001', 1)
    snapshot('00000002', 3)
    flushes('00000002', 4, 5)
    const catalogue = await read()
    expect(await refusal(() => newestComplete(catalogue))).toMatch(/^LTX_DAMAGED: the record 00000002\/timeline\.json is gone/)
    expect(chooseTimeline(catalogue, '00000002')).toMatchObject({ number: '00000002', latestTxid: 5, complete: true })
  })
})

describe('a timeline whose record is damaged', () => {
  const says = /^LTX_DAMAGED: 00000003\/timeline\.json is not a timeline record \(13 bytes\)$/
  const damaged = async (): Promise<Catalogue> => {
    claim('00000001')
    snapshot('00000001', 1)
    flushes('00000001', 2, 4)
    claim('00000002', forkOf('00000001', 3))
    write(timelineKey('00000003'), '{"number": 3}')
    flushes('00000003', 4, 4)
    return read()
  }

  it('it is the newest -> LTX_DAMAGED with its key, for whoever names none', async () => {
    const catalogue = await damaged()
    expect(catalogue.damaged).toMatchObject([{ number: '00000003', because: { code: 'LTX_DAMAGED' } }])
    expect(await refusal(() => newestComplete(catalogue))).toMatch(says)
    expect(await refusal(() => chooseTimeline(catalogue, null))).toMatch(says)
    expect(await refusal(() => currentTimeline(catalogue))).toMatch(says)
  })

  it('it is named -> LTX_DAMAGED with its key; another is named -> that can still be had, whole', async () => {
    const catalogue = await damaged()
    expect(await refusal(() => chooseTimeline(catalogue, '00000003'))).toMatch(says)
    expect(chooseTimeline(catalogue, '00000001')).toMatchObject({ latestTxid: 4, complete: true })
    expect(chooseTimeline(catalogue, '00000002')).toMatchObject({ latestTxid: 3, complete: true })
  })

  it("it is older than a whole one -> in nobody's way", async () => {
    const catalogue = await damaged()
    const older = { ...catalogue, damaged: catalogue.damaged.map((one) => ({ ...one, number: '00000000' })) }
    expect(newestComplete(older).number).toBe('00000002')
  })

  it('it is the only one -> nothing can be had, and it is not called empty', async () => {
    write(timelineKey('00000001'), 'rot')
    const catalogue = await read()
    expect([catalogue.timelines, catalogue.damaged.length]).toEqual([[], 1])
    expect(await refusal(() => newestComplete(catalogue))).toMatch(/^LTX_DAMAGED: /)
  })
})
