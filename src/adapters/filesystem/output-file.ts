/** New files of a restore on a file system. */
import { closeSync, constants, fdatasyncSync, ftruncateSync, openSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import { DrError } from '../../errors.ts'
import type { OutputFile, OutputFiles } from '../../ports/output-file.ts'
import { codeOf, diskError, writeAll } from './durable.ts'
import { whyNotLike } from './ownership.ts'

const untouched = 'The database is as it was; a partial file under a temporary name may stay.'

export const outputFiles: OutputFiles = {
  create: (path) => {
    const descriptor = openNew(path)
    return {
      write: (offset, bytes) => guarded(`write ${path}`, () => writeAll(descriptor, bytes, offset)),
      resize: (sizeBytes) => guarded(`resize ${path}`, () => ftruncateSync(descriptor, sizeBytes)),
      sync: () => guarded(`make ${path} durable`, () => fdatasyncSync(descriptor)),
      close: () => closeSync(descriptor),
    } satisfies OutputFile
  },
  freeBytes: (path) => {
    try {
      const { bavail, bsize } = statfsSync(dirname(path))
      return bavail * bsize
    } catch (error) {
      throw diskError(error, `ask how much space is free beside ${path}`, untouched)
    }
  },
  whyNotLike,
}

function openNew(path: string): number {
  try {
    // Readable by its owner only until it is given the mode of what it replaces.
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw diskError(error, `create ${path}`, untouched)
    throw new DrError('OUTPUT_EXISTS', {
      what: `there is something at ${path} already`,
      untouched: 'It was not touched, and nothing was restored.',
      next: 'Give another path, or move what is there away.',
      cause: error,
    })
  }
}

function guarded(doing: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw diskError(error, doing, untouched)
  }
}
