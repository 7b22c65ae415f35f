/** A database that nobody has open, read as plain files. Never used while this process has a SQLite connection to it. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { DrError } from '../../errors.ts'
import type { RestingDatabase } from '../../ports/live-database.ts'
import { openDisk } from './disk-reader.ts'
import { codeOf, diskError } from './durable.ts'
import { readAt } from './read-at.ts'

export function openRestingDatabase(path: string): RestingDatabase | null {
  const database = openOrNull(path)
  if (database === null) return null
  const wal = openLog(path, database)
  const facts = fstatSync(database)
  const disk = openDisk(path, database)
  return {
    identity: { device: facts.dev, inode: facts.ino, bornMs: facts.birthtimeMs },
    disk,
    bytes: {
      readDatabase: (offset, into) => readAt({ descriptor: database, path, damage: 'DATABASE_DAMAGED' }, offset, into),
      readWal: (offset, into) => (wal === null ? 0 : readAt({ descriptor: wal, path: `${path}-wal`, damage: 'WAL_DAMAGED' }, offset, into)),
      databaseBytes: () => fstatSync(database).size,
    },
    close: () => {
      disk.close()
      closeSync(database)
      if (wal !== null) closeSync(wal)
    },
  }
}

function openLog(path: string, database: number): number | null {
  try {
    return openOrNull(`${path}-wal`)
  } catch (error) {
    closeSync(database)
    throw error
  }
}

/** A descriptor for reading; null when nothing is there. @throws DATABASE_NOT_SQLITE when it is no regular file; IO_FAILED */
export function openOrNull(path: string): number | null {
  try {
    // Without O_NONBLOCK the opening of a pipe waits for somebody to write into it.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    if (fstatSync(descriptor).isFile()) return descriptor
    closeSync(descriptor)
    throw new DrError('DATABASE_NOT_SQLITE', {
      what: `${path} is not a regular file`,
      untouched: 'Nothing was changed.',
      next: 'Give the path of the database file itself.',
    })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw diskError(error, `read ${path}`, 'Nothing was changed.')
  }
}
