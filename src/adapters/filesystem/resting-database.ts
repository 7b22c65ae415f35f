/** A database that nobody has open, read as plain files. Never used while this process has a SQLite connection to it. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { BornFile, DatabaseBytes } from '../../ports/live-database.ts'
import { codeOf, diskError } from './durable.ts'

export function openRestingDatabase(path: string): { readonly bytes: DatabaseBytes; readonly identity: BornFile; close(): void } | null {
  const database = openOrNull(path)
  if (database === null) return null
  const wal = openOrNull(`${path}-wal`)
  const facts = fstatSync(database)
  return {
    identity: { device: facts.dev, inode: facts.ino, bornMs: facts.birthtimeMs },
    bytes: {
      readDatabase: (offset, into) => readSync(database, into, 0, into.length, offset),
      readWal: (offset, into) => (wal === null ? 0 : readSync(wal, into, 0, into.length, offset)),
      databaseBytes: () => fstatSync(database).size,
    },
    close: () => {
      closeSync(database)
      if (wal !== null) closeSync(wal)
    },
  }
}

function openOrNull(path: string): number | null {
  try {
    return openSync(path, constants.O_RDONLY)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw diskError(error, `read ${path}`, 'Nothing was changed.')
  }
}
