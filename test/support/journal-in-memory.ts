/** Journals in memory, for tests of what is above them. They pass the contract of journals in files. */
import type { JournalStore } from '../../src/ports/journal-store.ts'

export interface MemoryJournals extends JournalStore {
  /** By run id. Whoever writes here damages them from outside. */
  readonly contents: Map<string, Uint8Array>
}

export function journalsInMemory(contents: Map<string, Uint8Array> = new Map(), lock = { held: false }): MemoryJournals {
  return {
    contents,
    list: async () => [...contents.keys()].sort(),
    read: async (runId) => contents.get(runId)?.slice() ?? null,
    append: async (runId, bytes) => void contents.set(runId, Uint8Array.from([...(contents.get(runId) ?? []), ...bytes])),
    truncate: async (runId, sizeBytes) => void contents.set(runId, (contents.get(runId) ?? new Uint8Array(0)).slice(0, sizeBytes)),
    lock: async () => {
      if (lock.held) return null
      lock.held = true
      return {
        release: async () => {
          lock.held = false
        },
      }
    },
  }
}
