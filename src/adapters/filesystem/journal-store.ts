/** Journals as files `<run>.jsonl` of one folder. */
import { constants } from 'node:fs'
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JournalStore } from '../../ports/journal-store.ts'
import { codeOf, diskError, makeFolder, syncFolder } from './durable.ts'
import { leaveToFolder } from './folder-owner.ts'
import { takeProcessLock } from './process-lock.ts'

const untouched = 'What the journal was to announce was not begun.'

export function journalStoreIn(folder: string): JournalStore {
  const pathOf = (runId: string): string => join(folder, `${runId}.jsonl`)
  return {
    list: async () => {
      try {
        const names = await readdir(folder)
        return names
          .filter((name) => name.endsWith('.jsonl'))
          .map((name) => name.slice(0, -'.jsonl'.length))
          .sort()
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return []
        throw diskError(error, `list ${folder}`, untouched)
      }
    },
    read: async (runId) => {
      try {
        return await readFile(pathOf(runId))
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw diskError(error, `read ${pathOf(runId)}`, untouched)
      }
    },
    append: async (runId, bytes) => {
      const path = pathOf(runId)
      try {
        await makeFolder(folder)
        const file = await open(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600)
        try {
          const { size } = await file.stat()
          if (size === 0) leaveToFolder(file.fd, path)
          await file.writeFile(bytes)
          await file.sync()
          if (size === 0) await syncFolder(folder)
        } finally {
          await file.close()
        }
      } catch (error) {
        throw diskError(error, `write ${path}`, untouched)
      }
    },
    truncate: async (runId, sizeBytes) => {
      try {
        const file = await open(pathOf(runId), constants.O_WRONLY)
        try {
          await file.truncate(sizeBytes)
          await file.sync()
        } finally {
          await file.close()
        }
      } catch (error) {
        throw diskError(error, `cut the torn end of ${pathOf(runId)}`, untouched)
      }
    },
    lock: async () => {
      const lock = takeProcessLock(join(folder, 'runs.lock'), 'run')
      return lock === null ? null : { release: async () => lock.release() }
    },
  }
}
