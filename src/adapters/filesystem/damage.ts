/** A database file on a file system, to be damaged by a drill. */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readSync, unlinkSync } from 'node:fs'
import { DrError, sentenceOf } from '../../errors.ts'
import type { DamageTarget } from '../../ports/damage-target.ts'
import { codeOf, writeAll } from './durable.ts'

/**
 * The file under `path` as it is now: it stays the target when it is renamed. Only for files that a drill has made.
 * @throws DRILL_FAILED when it cannot be opened for writing
 */
export function openDamageTarget(path: string): DamageTarget {
  const file = openForWriting(path)
  return {
    path,
    sizeBytes: () => fstatSync(file).size,
    read: (offset, into) => readFully(file, offset, into),
    readWal: (offset, into) => readWal(`${path}-wal`, offset, into),
    overwrite: (offset, bytes) => writeAll(file, bytes, offset),
    truncate: (sizeBytes) => ftruncateSync(file, sizeBytes),
    unlinkWal: () => {
      try {
        unlinkSync(`${path}-wal`)
        return true
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return false
        throw error
      }
    },
    close: () => closeSync(file),
  }
}

function openForWriting(path: string): number {
  try {
    // Never created: a drill damages what is there.
    return openSync(path, constants.O_RDWR)
  } catch (error) {
    throw new DrError('DRILL_FAILED', {
      what: `the database ${path} of the drill cannot be opened to be damaged: ${sentenceOf(error)}`,
      untouched: 'Nothing was damaged.',
      next: 'Run the drill again; if it happens twice, look at the permissions of its folder.',
      cause: error,
    })
  }
}

/** Opened anew each time, because SQLite may have replaced it. A descriptor of a WAL carries no locks that closing could drop. */
function readWal(path: string, offset: number, into: Uint8Array): number {
  try {
    const file = openSync(path, constants.O_RDONLY)
    try {
      return readFully(file, offset, into)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0
    throw error
  }
}

function readFully(file: number, offset: number, into: Uint8Array): number {
  let done = 0
  for (let count = -1; done < into.length && count !== 0; done += count)
    count = readSync(file, into, done, into.length - done, offset + done)
  return done
}
