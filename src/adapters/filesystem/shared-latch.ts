/**
 * One latch in two files: in the state folder of the configuration, where the unit of the bot asks for it, and beside the database, where
 * whoever comes with another configuration, or with none, finds it. What stands in either keeps the bot stopped.
 * If we die between two writes: the latch stands in one of them, and the bot stays stopped.
 */
import { DrError, isDrError } from '../../errors.ts'
import { isPerson } from '../../latch-holder.ts'
import type { HaltLatch, LatchFacts } from '../../ports/halt-latch.ts'
import type { JournalStore } from '../../ports/journal-store.ts'
import { haltLatchAt } from './halt-latch.ts'
import { takeProcessLock } from './process-lock.ts'

export function sharedLatch(ownPath: string, besidePath: string): HaltLatch {
  const own = haltLatchAt(ownPath)
  if (ownPath === besidePath) return own
  const beside = haltLatchAt(besidePath)
  const read = async (): Promise<LatchFacts | null> => {
    const [here, there] = [await own.read(), await beside.read()]
    return there !== null && (here === null || (isPerson(there.holder) && !isPerson(here.holder))) ? there : here
  }
  return {
    read,
    set: async (facts) => {
      // What stands here, which may be of an earlier run, stands there too: by its holder both are removed.
      const here = await own.set(facts)
      const missing = await besides(() => beside.set(here))
      const standing = (await read()) ?? here
      return missing instanceof DrError ? { ...standing, gap: gapOf(missing) } : standing
    },
    release: async (holder, seen) => {
      const there = await beside.release(holder, seen)
      if (there === 'other') return there
      const here = await own.release(holder, seen)
      // Another one may stand in the second file: whoever asks again sees it.
      return there === 'released' ? there : here
    },
  }
}

/** A run also holds a lock beside the database: two configurations of one database do not execute at once. */
export function withLockBeside(store: JournalStore, besidePath: string): JournalStore {
  return {
    ...store,
    lock: async () => {
      const own = await store.lock()
      if (own === null) return null
      const taken = await besides(async () => ({ lock: takeProcessLock(besidePath, 'run') }))
      if (!(taken instanceof DrError) && taken.lock === null) {
        await own.release()
        return null
      }
      return {
        release: async () => {
          if (!(taken instanceof DrError)) taken.lock?.release()
          await own.release()
        },
      }
    },
  }
}

const gapOf = ({ message }: DrError): string =>
  `whoever comes with another configuration of this database does not see the latch: ${message}`

/** Its error: this user may not write there, or there is no room; what stands in the state folder counts all the same. */
async function besides<T>(write: () => Promise<T>): Promise<T | DrError> {
  try {
    return await write()
  } catch (error) {
    if (isDrError(error)) return error
    throw error
  }
}
