/** A flush is published once, by us or not at all; a store that is away is asked again, ever more rarely. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contentOf } from '../../test/contract/object-store.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { DrError, type ErrorCode } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { publish, publishPatiently } from './publisher.ts'

let folder = ''
let store: ObjectStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'publisher-'))
  store = await openFolderStore('file:replica', folder)
})
afterEach(() => rmSync(folder, { recursive: true }))

const ours = new TextEncoder().encode('our flush')
const theirs = new TextEncoder().encode('theirs')
async function* inPieces(body: Uint8Array): AsyncGenerator<Uint8Array> {
  yield body.subarray(0, 3)
  yield body.subarray(3)
}
const failure = (code: ErrorCode): DrError => new DrError(code, { what: `it is ${code}`, untouched: 'All.', next: 'Wait.' })

describe('publishing', () => {
  it('nothing has the name -> it is durable there, with its time', async () => {
    await publish(store, 'a/1', ours, 1000)
    await publish(store, 'a/2', inPieces(ours), 2000)
    expect(await store.list('')).toMatchObject([
      { key: 'a/1', timestampMs: 1000 },
      { key: 'a/2', timestampMs: 2000 },
    ])
    expect(await contentOf(store, 'a/2')).toEqual(ours)
  })

  it('the very same bytes are there -> it was ours, of a life before', async () => {
    await store.create('key', ours, 1000)
    await publish(store, 'key', ours, 2000)
    expect(await store.list('')).toMatchObject([{ key: 'key', timestampMs: 1000 }])
  })

  it.each([
    ['other bytes are there', theirs, () => ours],
    ['the beginning of ours is there', ours.subarray(0, 4), () => ours],
    ['more than ours is there', Uint8Array.from([...ours, 0]), () => ours],
    ['ours comes in pieces, so that it cannot be compared', ours, () => inPieces(ours)],
  ])('%s -> TIMELINE_SEALED, and theirs stays', async (_, standing, body) => {
    await store.create('key', standing, 1000)
    await expect(publish(store, 'key', body(), 2000)).rejects.toMatchObject({ code: 'TIMELINE_SEALED', kind: 'fenced' })
    expect(await contentOf(store, 'key')).toEqual(standing)
  })
})

describe('publishing to a store that is away', () => {
  /** Sleeps take no time; each is noted. `onSleep` is told how many there were. */
  const clockNoting = (pauses: number[], onSleep: (count: number) => void = () => {}): Clock => ({
    wallMs: () => 0,
    monotonicMs: () => 0,
    sleep: async (ms) => {
      pauses.push(ms)
      onSleep(pauses.length)
    },
  })
  /** Fails that many times. `durable`: the object was made all the same, and only the answer was lost. */
  const away = (times: number, code: ErrorCode, durable = false): ObjectStore => {
    let left = times
    const create: ObjectStore['create'] = async (key, body, timestampMs) => {
      if (left-- <= 0) return store.create(key, body, timestampMs)
      if (durable) await store.create(key, body, timestampMs)
      throw failure(code)
    }
    return { ...store, create }
  }
  const object = { key: 'key', body: ours, timestampMs: 1000 }
  const never = new AbortController().signal

  it('for a while -> asked again after pauses that double from 0.1 s to 10 s, each told, and published in the end', async () => {
    const pauses: number[] = []
    const troubles: string[] = []
    await publishPatiently(away(10, 'STORE_UNAVAILABLE'), clockNoting(pauses), object, never, (error) => troubles.push(error.code))
    expect(pauses).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000])
    expect(troubles).toEqual(pauses.map(() => 'STORE_UNAVAILABLE'))
    expect(await contentOf(store, 'key')).toEqual(ours)
  })

  it('no space is left there -> the same: somebody may free it', async () => {
    const pauses: number[] = []
    await publishPatiently(away(2, 'DISK_FULL'), clockNoting(pauses), object, never, () => {})
    expect(pauses).toEqual([100, 200])
  })

  it('and it had the object, only its answer was lost -> found to be ours', async () => {
    const pauses: number[] = []
    await publishPatiently(away(1, 'STORE_UNAVAILABLE', true), clockNoting(pauses), object, never, () => {})
    expect([pauses, await contentOf(store, 'key')]).toEqual([[100], ours])
  })

  it('until we are told to stop -> one last try, then the reason that it is not published', async () => {
    const pauses: number[] = []
    const stop = new AbortController()
    const clock = clockNoting(pauses, (count) => {
      if (count === 3) stop.abort()
    })
    const trying = publishPatiently(away(99, 'STORE_UNAVAILABLE'), clock, object, stop.signal, () => {})
    await expect(trying).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(pauses).toEqual([100, 200, 400])
  })

  it('and back for that last try -> published', async () => {
    const stop = new AbortController()
    const clock = clockNoting([], () => stop.abort())
    await publishPatiently(away(1, 'STORE_UNAVAILABLE'), clock, object, stop.signal, () => {})
    expect(await contentOf(store, 'key')).toEqual(ours)
  })

  it('and somebody else wrote there meanwhile -> TIMELINE_SEALED at once, with no further try', async () => {
    const pauses: number[] = []
    await store.create('key', theirs, 0)
    await expect(publishPatiently(away(1, 'STORE_UNAVAILABLE'), clockNoting(pauses), object, never, () => {})).rejects.toMatchObject({
      code: 'TIMELINE_SEALED',
    })
    expect(pauses).toEqual([100])
  })

  it('what it says is not that it is away -> thrown at once', async () => {
    const pauses: number[] = []
    const untold = (): never => expect.unreachable('nobody is told of what is not waited for')
    await expect(publishPatiently(away(9, 'OBJECT_MISSING'), clockNoting(pauses), object, never, untold)).rejects.toMatchObject({
      code: 'OBJECT_MISSING',
    })
    const broken: ObjectStore = { ...store, create: () => Promise.reject(new TypeError('a bug')) }
    await expect(publishPatiently(broken, clockNoting(pauses), object, never, untold)).rejects.toThrow('a bug')
    expect(pauses).toEqual([])
  })
})
