/** A small JSON file of the state folder, replaced as a whole. */
import { constants } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf, diskError, makeFolder, syncFolder } from './durable.ts'
import { leaveToFolder } from './folder-owner.ts'

/** null when there is none, it is no JSON, or the disk does not give it: then nothing is known, which is the safe reading. */
export async function readStateFile(path: string): Promise<Readonly<Record<string, unknown>> | null> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch (error) {
    if (['ENOENT', 'EIO'].includes(codeOf(error)) || error instanceof SyntaxError) return null
    throw diskError(error, `read ${path}`, 'Nothing was changed.')
  }
}

/** What a value that was read has by name; nothing where it is no object. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {}

let serial = 0

/** Durable when resolved. If we die here: the former content stands. Safe to repeat: yes. */
export async function writeStateFile(path: string, value: object, mode = 0o600): Promise<void> {
  try {
    await makeFolder(dirname(path))
    const temporary = `${path}.${process.pid}-${serial++}.tmp`
    const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, mode)
    try {
      leaveToFolder(file.fd, temporary)
      await file.writeFile(`${JSON.stringify(value, null, 2)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
  } catch (error) {
    throw diskError(error, `write ${path}`, 'What stood there before stands.')
  }
}
