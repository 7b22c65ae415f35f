/** What a capture remembers, in `capture.json` of the state folder. */
import { constants } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CaptureBinding, CaptureState } from '../../ports/capture-state.ts'
import { codeOf, diskError, makeFolder, syncFolder } from './durable.ts'

export function captureStateIn(folder: string): CaptureState {
  const path = join(folder, 'capture.json')
  return {
    read: async () => {
      try {
        return decode(await readFile(path, 'utf8'))
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return null
        throw diskError(error, `read ${path}`, 'Nothing was changed.')
      }
    },
    write: async (binding) => {
      try {
        await makeFolder(folder)
        const temporary = `${path}.${process.pid}.tmp`
        const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600)
        try {
          await file.writeFile(`${JSON.stringify(binding, null, 2)}\n`)
          await file.sync()
        } finally {
          await file.close()
        }
        await rename(temporary, path)
        await syncFolder(dirname(path))
      } catch (error) {
        throw diskError(error, `write ${path}`, 'What was published stays; the capture did not start.')
      }
    },
  }
}

/** null for what is not a binding: then nothing is known about the file, which is the safe reading. */
function decode(text: string): CaptureBinding | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
  if (typeof value !== 'object' || value === null) return null
  const { path, device, inode, replica, timeline, timelineId }: Partial<Record<string, unknown>> = { ...value }
  if (typeof path !== 'string' || typeof device !== 'number' || typeof inode !== 'number') return null
  if (typeof replica !== 'string' || typeof timeline !== 'string' || typeof timelineId !== 'string') return null
  return { path, device, inode, replica, timeline, timelineId }
}
