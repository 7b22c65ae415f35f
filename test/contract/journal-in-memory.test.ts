/** The journals in memory that other tests rely on keep the promises of those in files. */
import { describe } from 'vitest'
import type { JournalStore } from '../../src/ports/journal-store.ts'
import { journalsInMemory } from '../support/journal-in-memory.ts'
import { journalStoreContract } from './journal-store.ts'

describe('journals in memory', () => {
  const made = new Map<JournalStore, { readonly contents: Map<string, Uint8Array>; readonly lock: { held: boolean } }>()
  const over = (contents: Map<string, Uint8Array>, lock: { held: boolean }): JournalStore => {
    const store = journalsInMemory(contents, lock)
    made.set(store, { contents, lock })
    return store
  }
  const placeOf = (store: JournalStore) => {
    const place = made.get(store)
    if (place === undefined) throw new Error('not one of ours')
    return place
  }
  journalStoreContract({
    empty: () => over(new Map(), { held: false }),
    again: (store) => over(placeOf(store).contents, placeOf(store).lock),
    lockElsewhere: async (store) => {
      const { lock } = placeOf(store)
      lock.held = true
      return {
        die: async () => {
          lock.held = false
        },
      }
    },
    histories: 100,
  })
})
