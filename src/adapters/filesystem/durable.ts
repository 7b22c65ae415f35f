/** Making files durable: contents by fsync of the file, names by fsync of the folder. */
import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DrError, sentenceOf } from '../../errors.ts'

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The folder exists, durably, with every folder above it that had to be made. @throws DISK_FULL, IO_FAILED */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  try {
    const made = await mkdir(folder, { recursive: true, mode })
    if (made === undefined) return
    for (let at = folder; at.length >= made.length; at = dirname(at)) await syncFolder(dirname(at))
  } catch (error) {
    throw diskError(error, `make the folder ${folder}`, 'Nothing else was changed.')
  }
}

let serial = 0

/**
 * 'created' when a file with the content that `fill` writes is durable at `path`; 'exists' when one was there, which is left alone.
 * Readable by its owner only, if nothing else is said: most of what is made here holds what the database holds.
 * If we die here: a temporary file `path.<pid>-<n>.tmp` may stay, and nothing is at `path`. Safe to repeat: yes, by 'exists'.
 */
export async function createFile(path: string, fill: (file: FileHandle) => Promise<void>, mode = 0o600): Promise<'created' | 'exists'> {
  const temporary = `${path}.${process.pid}-${serial++}.tmp`
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode)
  try {
    try {
      await fill(file)
      await file.datasync()
    } finally {
      await file.close()
    }
    try {
      await link(temporary, path)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return 'exists'
      throw error
    }
  } finally {
    await unlink(temporary)
  }
  await syncFolder(dirname(path))
  return 'created'
}

/** The errno name of what the operating system threw, '' for anything else. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The file lies on a network or FUSE mount that does not answer any more. */
export function isDeadMount(error: unknown): boolean {
  return ['ENOTCONN', 'ESTALE', 'EIO', 'EHOSTDOWN', 'ENXIO', 'ENODEV', 'ETIMEDOUT', 'ECONNABORTED'].includes(codeOf(error))
}

/** An error of the operating system in our words; anything else as it is. `doing` completes "could not ...". */
export function diskError(error: unknown, doing: string, untouched: string): unknown {
  if (codeOf(error) === '' || error instanceof DrError) return error
  const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
  return new DrError(full ? 'DISK_FULL' : 'IO_FAILED', {
    what: `could not ${doing}: ${full ? 'no space is left there' : sentenceOf(error)}`,
    untouched,
    next: full
      ? 'Free space on that file system; the work goes on from where it stood.'
      : 'Look at the path and its permissions, then repeat.',
    cause: error,
  })
}
