/** What every JournalStore promises: the same stories for journals in files and for those in memory. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JournalStore } from '../../src/ports/journal-store.ts'

export interface JournalHost {
  /** No journal is in it. */
  empty(): JournalStore
  /** The same journals, as somebody sees them who opens them anew. */
  again(store: JournalStore): JournalStore
  /** Another process takes the lock over the runs of `store`. `die`: it ends at once, and cleans nothing up. */
  lockElsewhere(store: JournalStore): Promise<{ die(): Promise<void> }>
  /** How many random histories are played. */
  readonly histories: number
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = async (store: JournalStore, runId: string): Promise<string | null> => {
  const content = await store.read(runId)
  return content === null ? null : new TextDecoder().decode(content)
}

export function journalStoreContract(host: JournalHost): void {
  it('nothing was ever written -> no run is listed and no journal is there', async () => {
    const store = host.empty()
    expect(await store.list()).toEqual([])
    expect(await store.read('run-1')).toBeNull()
  })

  it('records are appended -> they stand one after the other, for whoever opens the journals anew', async () => {
    const store = host.empty()
    for (const record of ['one\n', 'two\n', 'three\n']) await store.append('run-1', bytes(record))
    expect(await textOf(host.again(store), 'run-1')).toBe('one\ntwo\nthree\n')
  })

  it('two runs -> each has its own journal, and the older id is listed first', async () => {
    const store = host.empty()
    await store.append('20250102-000000-b', bytes('later'))
    await store.append('20250101-000000-a', bytes('earlier'))
    await store.append('20250102-000000-b', bytes('!'))
    expect(await store.list()).toEqual(['20250101-000000-a', '20250102-000000-b'])
    expect(await textOf(store, '20250101-000000-a')).toBe('earlier')
    expect(await textOf(store, '20250102-000000-b')).toBe('later!')
  })

  it('a torn end is cut -> the bytes before it stand, and the next record follows them', async () => {
    const store = host.empty()
    await store.append('run-1', bytes('whole\nto'))
    await store.truncate('run-1', 6)
    expect(await textOf(host.again(store), 'run-1')).toBe('whole\n')
    await store.append('run-1', bytes('next\n'))
    expect(await textOf(store, 'run-1')).toBe('whole\nnext\n')
  })

  it('everything of a journal is torn -> it is empty, which is not the same as none', async () => {
    const store = host.empty()
    await store.append('run-1', bytes('to'))
    await store.truncate('run-1', 0)
    expect(await store.read('run-1')).toHaveLength(0)
    expect(await store.list()).toEqual(['run-1'])
  })

  it('any history of appends and cuts -> what plain arrays of bytes would hold', async () => {
    const change = fc.record({
      run: fc.constantFrom('a', 'b'),
      add: fc.uint8Array({ maxLength: 40 }),
      cutShare: fc.constantFrom(0, 0.3, 1),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 5 }), async (changes) => {
        const store = host.empty()
        const model = new Map<string, readonly number[]>()
        for (const { run, add, cutShare } of changes) {
          await store.append(run, add)
          const grown = [...(model.get(run) ?? []), ...add]
          const kept = grown.slice(0, grown.length - Math.floor(grown.length * cutShare))
          if (cutShare > 0) await store.truncate(run, kept.length)
          model.set(run, kept)
        }
        expect(await store.list()).toEqual([...model.keys()].sort())
        for (const [run, content] of model) expect([...((await store.read(run)) ?? [])]).toEqual(content)
      }),
      { numRuns: host.histories },
    )
  })

  describe('its lock', () => {
    it('nobody holds it -> it is taken, and by nobody else until it is given back', async () => {
      const store = host.empty()
      const lock = await store.lock()
      expect(lock).not.toBeNull()
      expect(await host.again(store).lock()).toBeNull()
      await lock?.release()
      const again = await host.again(store).lock()
      expect(again).not.toBeNull()
      await again?.release()
    })

    it('another process holds it -> null; that process is killed -> it is free', async () => {
      const store = host.empty()
      const holder = await host.lockElsewhere(store)
      expect(await store.lock()).toBeNull()
      expect(await store.lock()).toBeNull()
      await holder.die()
      const lock = await store.lock()
      expect(lock).not.toBeNull()
      await lock?.release()
    })

    it('another process holds it -> journals are read and listed all the same', async () => {
      const store = host.empty()
      await store.append('run-1', bytes('record\n'))
      const holder = await host.lockElsewhere(store)
      expect(await textOf(store, 'run-1')).toBe('record\n')
      expect(await store.list()).toEqual(['run-1'])
      await holder.die()
    })
  })
}
