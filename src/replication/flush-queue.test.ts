/** What waits while the store is away, and that nothing that waits is forgotten or called done. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { keptSumsIn } from '../adapters/filesystem/kept-sums.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { nodeClock } from '../adapters/node/clock.ts'
import { DrError } from '../errors.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { PageSums } from '../replica/page-sums.ts'
import { readHeader } from '../replica/read-object.ts'
import { encodeTimeline } from '../replica/timeline.ts'
import type { WalPosition } from '../wal/frames.ts'
import type { CaptureEvent } from './capture-event.ts'
import { FlushQueue } from './flush-queue.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-queue-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const pageSize = 4096
const header = { pageSize, bigEndian: false, salt1: 1, salt2: 2, checksum: { s1: 0, s2: 0 } }
const at = (frames: number, generation = 1): WalPosition => ({
  header: { ...header, salt1: generation },
  frames,
  checksum: { s1: frames, s2: 1 },
})
const away = new DrError('STORE_UNAVAILABLE', { what: 'the store is away', untouched: '', next: '' })

/** A queue on a real folder that can be out of reach. */
async function open(): Promise<{
  readonly queue: FlushQueue
  readonly store: ObjectStore
  readonly events: CaptureEvent[]
  readonly stop: AbortController
  reachable: boolean
  /** Of the clock: what is done each 5 s is due again. */
  readonly ahead: { ms: number }
  commit(page?: number, commits?: number): void
  /** The log begins anew: the next commit is its first frame. */
  beginLog(): void
}> {
  const folderStore = await openFolderStore('file:replica', folder)
  await folderStore.create(
    '00000001/timeline.json',
    encodeTimeline({ number: '00000001', id: 'a'.repeat(16), parent: null, database: null, createdAtMs: 0 }),
    0,
  )
  const events: CaptureEvent[] = []
  const stop = new AbortController()
  let frames = 0
  let generation = 1
  const ahead = { ms: 0 }
  const store: ObjectStore = {
    ...folderStore,
    create: (key, body, timestampMs) => (world.reachable ? folderStore.create(key, body, timestampMs) : Promise.reject(away)),
  }
  const sums = new PageSums()
  sums.resize(1)
  sums.set(1, 0x80000000, 1)
  const queue = new FlushQueue(
    {
      store,
      clock: { ...nodeClock, monotonicMs: () => nodeClock.monotonicMs() + ahead.ms },
      onEvent: (event) => events.push(event),
      flushIntervalMs: 0,
      keptSums: keptSumsIn(folder),
      readPage: () => new Uint8Array(pageSize),
      signal: stop.signal,
    },
    { timeline: '00000001', timelineId: 'a'.repeat(16), pageSize, sums, place: null, txid: 1, lastCommitMs: 0 },
  )
  const world = {
    queue,
    store: folderStore,
    events,
    stop,
    reachable: true,
    ahead,
    beginLog: () => {
      frames = 0
      generation++
    },
    commit: (page = 1, commits = 1) => {
      const content = new Uint8Array(pageSize).fill(page)
      for (let commit = 0; commit < commits; commit++) {
        frames++
        queue.add({ pageNumber: page, commitPages: Math.max(1, page), pageOffset: 0 }, content, at(frames, generation), 1000 + frames)
      }
    },
  }
  return world
}

const keyOf = (txid: number): string => `00000001/ltx/0/${`${txid}`.padStart(16, '0')}-${`${txid}`.padStart(16, '0')}.ltx`

describe('flushes', () => {
  it('commits wait -> one flush with all of them, its txid the next one', async () => {
    const { queue, store, commit } = await open()
    commit(1, 3)
    expect([queue.idle, queue.pendingCommits, queue.oldestMs]).toEqual([false, 3, 1001])
    await queue.flushAll(5000)
    expect([queue.idle, queue.published, queue.oldestMs]).toEqual([true, { txid: 2, lastCommitMs: 1003 }, null])
    expect(decodeRestorePoint((await readHeader(store, keyOf(2))).reserved)?.commits).toBe(3)
  })

  it('the store is away -> waiting ends in time, nothing is called durable, and it goes on when the store is back', async () => {
    const world = await open()
    world.reachable = false
    world.commit()
    await world.queue.flushAll(150)
    expect([world.queue.idle, world.queue.trouble, world.queue.published.txid]).toEqual([false, 'the store is away', 1])
    world.commit()
    world.reachable = true
    await world.queue.flushAll(5000)
    expect([world.queue.idle, world.queue.trouble, world.queue.published.txid]).toEqual([true, null, 3])
    expect(world.events.filter((event) => event.type === 'warning')).toHaveLength(1)
  })

  it('the store is away and more waits than memory may hold -> no more is taken, and it is said at once', async () => {
    const world = await open()
    world.reachable = false
    for (let page = 1; !world.queue.full(); page++) world.commit(page)
    await world.queue.flushAll(50)
    expect(world.queue.full()).toBe(false)
    for (let page = 1; !world.queue.full(); page++) world.commit(page)
    await world.queue.flushAll(50)
    expect([world.queue.full(), world.queue.idle]).toEqual([true, false])
    world.stop.abort()
    await world.queue.flushAll(5000)
    expect(world.queue.failure).toBe(away)
  })

  it('the log begins anew between two flushes, and within one -> each file says where in the log of its last commit it begins', async () => {
    const { queue, store, commit, beginLog } = await open()
    commit(1, 20)
    await queue.flushAll(5000)
    commit(1, 5)
    beginLog()
    commit(1, 3)
    await queue.flushAll(5000)
    commit(1, 2)
    await queue.flushAll(5000)
    beginLog()
    commit(1, 1)
    await queue.flushAll(5000)
    expect(queue.failure).toBeNull()
    const frame = 24 + pageSize
    const written = await Promise.all([2, 3, 4, 5].map((txid) => readHeader(store, keyOf(txid))))
    expect(written.map(({ walOffset, walSize }) => [(walOffset - 32) / frame, walSize / frame])).toEqual([
      [0, 20],
      [0, 3],
      [3, 2],
      [0, 1],
    ])
  })

  it('more commits than a file can count -> published all the same, and it says that it does not say how many', async () => {
    const { queue, store, commit } = await open()
    commit(1, 1_048_576)
    await queue.flushAll(5000)
    expect([queue.failure, queue.published.txid]).toEqual([null, 2])
    expect(decodeRestorePoint((await readHeader(store, keyOf(2))).reserved)?.commits).toBeNull()
  })

  it('the file that was published last is gone from the replica -> nothing is added behind the gap, and a new attach is asked for', async () => {
    const world = await open()
    world.commit()
    await world.queue.flushAll(5000)
    rmSync(join(folder, keyOf(2)))
    world.ahead.ms = 6000
    world.commit()
    await world.queue.flushAll(5000)
    expect(world.queue.failure).toMatchObject({ code: 'WAL_UNFOLLOWED', message: expect.stringContaining(keyOf(2)) })
    expect(await world.store.list('00000001/ltx/')).toEqual([])
  })

  it("somebody else's file has the name -> that stands, and no further flush is made", async () => {
    const { queue, store, commit } = await open()
    await store.create(keyOf(2), new Uint8Array([1]), 1)
    commit()
    await queue.flushAll(5000)
    expect(queue.failure).toMatchObject({ code: 'TIMELINE_SEALED' })
    commit()
    await queue.flushAll(5000)
    expect([queue.published.txid, queue.idle]).toEqual([1, false])
    expect(await store.list('00000001/ltx/')).toHaveLength(1)
  })

  it('somebody begins a newer timeline, or ours is gone -> no further flush is made, and it is said who', async () => {
    const sealed = await open()
    await sealed.store.create('00000002/timeline.json', new Uint8Array([1]), 1)
    sealed.commit()
    await sealed.queue.flushAll(5000)
    expect(sealed.queue.failure).toMatchObject({ code: 'TIMELINE_SEALED', message: expect.stringContaining('00000002') })
    expect(sealed.queue.pendingCommits).toBe(0)
    rmSync(join(folder, '00000001'), { recursive: true })
    rmSync(join(folder, '00000002'), { recursive: true })
    const gone = await open()
    rmSync(join(folder, '00000001'), { recursive: true })
    gone.commit()
    await gone.queue.flushAll(5000)
    expect(gone.queue.failure).toMatchObject({ code: 'OBJECT_MISSING' })
  })
})
