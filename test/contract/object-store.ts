/** What every ObjectStore promises: the same stories for a folder, and for whatever else holds a replica. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../src/ports/object-store.ts'

export interface ObjectStoreHost {
  /** Nothing is in it. */
  empty(): Promise<ObjectStore>
  /** The same objects, as somebody sees them who opens the store anew. */
  again(store: ObjectStore): Promise<ObjectStore>
  /** How many random cases are played where each needs a store of its own. */
  readonly cases: number
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const noon = 1_735_732_800_000

export async function contentOf(store: ObjectStore, key: string): Promise<Uint8Array> {
  const object = await store.open(key)
  try {
    const into = new Uint8Array(object.sizeBytes + 8)
    return into.subarray(0, await object.read(0, into))
  } finally {
    await object.close()
  }
}

const textOf = async (store: ObjectStore, key: string): Promise<string> => new TextDecoder().decode(await contentOf(store, key))
const keysOf = async (store: ObjectStore, prefix = ''): Promise<string[]> => (await store.list(prefix)).map((object) => object.key)

export function objectStoreContract(host: ObjectStoreHost): void {
  it('nothing was ever written -> empty lists, and every object is missing', async () => {
    const store = await host.empty()
    expect(await store.list('')).toEqual([])
    expect(await store.list('00000001/ltx/0/')).toEqual([])
    expect(await store.folders('')).toEqual([])
    expect(await store.folders('00000001/')).toEqual([])
    await expect(store.open('00000001/timeline.json')).rejects.toMatchObject({ code: 'OBJECT_MISSING' })
  })

  it('an object is created -> whoever opens the store anew sees its bytes, its size and its own time', async () => {
    const store = await host.empty()
    expect(await store.create('a/b.ltx', bytes('content'), noon)).toBe('created')
    const again = await host.again(store)
    expect(await again.list('')).toEqual([{ key: 'a/b.ltx', sizeBytes: 7, timestampMs: noon }])
    expect(await textOf(again, 'a/b.ltx')).toBe('content')
  })

  it('an object of that key exists -> it is left as it is, bytes and time', async () => {
    const store = await host.empty()
    await store.create('key', bytes('first'), noon)
    expect(await store.create('key', bytes('second, and longer'), noon + 5000)).toBe('exists')
    expect(await store.list('')).toEqual([{ key: 'key', sizeBytes: 5, timestampMs: noon }])
    expect(await textOf(store, 'key')).toBe('first')
  })

  it('sixteen create one key at once -> one of them made it, and it is whole', async () => {
    const store = await host.empty()
    const stores = await Promise.all(Array.from({ length: 16 }, (_, at) => (at % 2 === 0 ? store : host.again(store))))
    const outcomes = await Promise.all(stores.map((one, at) => one.create('claim', bytes(`creator ${at} `.repeat(500)), noon + at)))
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
    const winner = outcomes.indexOf('created')
    expect(await textOf(store, 'claim')).toBe(`creator ${winner} `.repeat(500))
    expect(await store.list('')).toMatchObject([{ key: 'claim', timestampMs: noon + winner }])
  })

  it('a body comes in pieces, in one buffer that is used again -> the object is their sum', async () => {
    const store = await host.empty()
    async function* pieces(): AsyncGenerator<Uint8Array> {
      const buffer = new Uint8Array(3)
      for (const text of ['abc', 'def', 'gh']) {
        buffer.set(bytes(text))
        yield buffer.subarray(0, text.length)
      }
    }
    await store.create('pieces', pieces(), noon)
    expect(await textOf(store, 'pieces')).toBe('abcdefgh')
  })

  it('a body of nothing -> an object of nothing', async () => {
    const store = await host.empty()
    expect(await store.create('nothing', new Uint8Array(0), noon)).toBe('created')
    expect(await contentOf(store, 'nothing')).toHaveLength(0)
    expect(await store.create('nothing', bytes('something'), noon)).toBe('exists')
  })

  it('while an object is being written, and after its body failed half way -> nothing of it is visible', async () => {
    const store = await host.empty()
    const seen: (readonly string[])[] = []
    async function* body(): AsyncGenerator<Uint8Array> {
      yield bytes('the first half')
      seen.push(await keysOf(store), await keysOf(store, 'a/'), await keysOf(await host.again(store), 'a/'))
      throw new Error('the log moved away')
    }
    await expect(store.create('a/half', body(), noon)).rejects.toThrow('the log moved away')
    expect([...seen, await keysOf(store), await keysOf(store, 'a/')]).toEqual([[], [], [], [], []])
    await expect(store.open('a/half')).rejects.toMatchObject({ code: 'OBJECT_MISSING' })
    expect(await store.create('a/half', bytes('whole now'), noon)).toBe('created')
    expect(await textOf(store, 'a/half')).toBe('whole now')
  })

  it('a bug of ours in the body -> not told as an error of the store', async () => {
    const store = await host.empty()
    async function* body(): AsyncGenerator<Uint8Array> {
      yield bytes('content')
      throw new TypeError('x is undefined')
    }
    await expect(store.create('key', body(), noon)).rejects.toBeInstanceOf(TypeError)
  })

  it('objects in several folders -> listed by key, those of a folder and below it only', async () => {
    const store = await host.empty()
    const keys = ['b', 'a/2', 'a/10', 'a/1', 'a/c/1', 'ab/1', 'a-b', 'c/d/e']
    for (const key of keys) await store.create(key, bytes(key), noon)
    expect(await keysOf(store)).toEqual(keys.toSorted())
    expect(await keysOf(store, 'a/')).toEqual(['a/1', 'a/10', 'a/2', 'a/c/1'])
    expect(await keysOf(store, 'a/c/')).toEqual(['a/c/1'])
    expect(await keysOf(store, 'c/')).toEqual(['c/d/e'])
    expect(await keysOf(store, 'nowhere/')).toEqual([])
    expect(await store.folders('')).toEqual(['a', 'ab', 'c'])
    expect(await store.folders('a/')).toEqual(['c'])
    expect(await store.folders('nowhere/')).toEqual([])
  })

  it('a prefix that is no folder -> the objects whose key begins with it, and what is in folders whose name does', async () => {
    const store = await host.empty()
    const keys = ['a/1', 'a/2', 'ab', 'b/1', 'x/a1', 'x/ab/2', 'x/c/1']
    for (const key of keys) await store.create(key, bytes(key), noon)
    expect(await keysOf(store, 'a')).toEqual(['a/1', 'a/2', 'ab'])
    expect(await keysOf(store, 'ab')).toEqual(['ab'])
    expect(await keysOf(store, 'x/a')).toEqual(['x/a1', 'x/ab/2'])
    expect(await keysOf(store, 'x/a1')).toEqual(['x/a1'])
    expect(await keysOf(store, 'x/d')).toEqual([])
  })

  it('an object is read from any offset into any room -> exactly the bytes that are there', async () => {
    const store = await host.empty()
    const content = Uint8Array.from({ length: 300 }, (_, at) => (at * 7) % 251)
    await store.create('object', content, noon)
    const object = await store.open('object')
    expect(object.sizeBytes).toBe(300)
    await fc.assert(
      fc.asyncProperty(fc.nat(320), fc.nat(320), async (offset, room) => {
        const into = new Uint8Array(room).fill(255)
        const count = await object.read(offset, into)
        expect(count).toBe(Math.max(0, Math.min(room, 300 - offset)))
        expect(into.subarray(0, count)).toEqual(content.subarray(offset, offset + count))
        expect(into.subarray(count).every((byte) => byte === 255)).toBe(true)
      }),
    )
    await object.close()
  })

  it('any time, of any content -> kept to the millisecond', async () => {
    const moment = fc.integer({ min: 0, max: 4_102_444_800_000 })
    await fc.assert(
      fc.asyncProperty(moment, fc.uint8Array({ maxLength: 200 }), async (timestampMs, content) => {
        const store = await host.empty()
        await store.create('object', content, timestampMs)
        expect(await store.list('')).toEqual([{ key: 'object', sizeBytes: content.length, timestampMs }])
        expect(await contentOf(store, 'object')).toEqual(content)
      }),
      { numRuns: host.cases },
    )
  })

  describe('a link', () => {
    it('to a key that is free -> the same bytes and the same time under both keys', async () => {
      const store = await host.empty()
      await store.create('1/file', bytes('content'), noon)
      if (store.capabilities.link === 'none') return expect(store.link('1/file', '2/file')).rejects.toThrow()
      expect(await store.link('1/file', '2/deep/file')).toBe('created')
      expect(await textOf(await host.again(store), '2/deep/file')).toBe('content')
      expect(await store.list('2/')).toEqual([{ key: '2/deep/file', sizeBytes: 7, timestampMs: noon }])
      expect(await store.list('1/')).toEqual([{ key: '1/file', sizeBytes: 7, timestampMs: noon }])
    })

    it('to a key that is taken -> what is there stays', async () => {
      const store = await host.empty()
      if (store.capabilities.link === 'none') return
      await store.create('from', bytes('new'), noon)
      await store.create('to', bytes('old'), noon + 1)
      expect(await store.link('from', 'to')).toBe('exists')
      expect(await textOf(store, 'to')).toBe('old')
      expect(await store.list('')).toContainEqual({ key: 'to', sizeBytes: 3, timestampMs: noon + 1 })
    })

    it('made twice -> the second time says that it exists', async () => {
      const store = await host.empty()
      if (store.capabilities.link === 'none') return
      await store.create('from', bytes('content'), noon)
      expect([await store.link('from', 'to'), await store.link('from', 'to')]).toEqual(['created', 'exists'])
    })

    it('from what is not there -> refused, and nothing appears', async () => {
      const store = await host.empty()
      await expect(store.link('absent', 'to')).rejects.toThrow()
      expect(await store.list('')).toEqual([])
    })
  })
}
