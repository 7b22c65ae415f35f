/**
 * Looks through a folder for SQLite databases, by the first bytes of the files. The files are opened for reading and closed again, so this is
 * never done in a process that has a connection to one of them: POSIX would drop SQLite's locks with the descriptor.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { DrError, sentenceOf } from '../../errors.ts'
import type { DatabaseFile, DatabaseSearch } from '../../ports/database-search.ts'
import { databaseHeaderBytes, decodeDatabaseHeader } from '../../wal/database-header.ts'
import { codeOf, diskError } from './durable.ts'

/** Folders below the one that is looked through. */
const deepest = 3
/** Chosen: read in about a second; a bot's folder holds hundreds of files, and whoever asks in / should not wait for all of it. */
const mostFiles = 20_000

export const databaseSearch: DatabaseSearch = {
  below: async (folder) => {
    const found = new Map<string, DatabaseFile>()
    const gaps: string[] = []
    let looked = 0
    const look = (at: string, depth: number): void => {
      let entries: ReturnType<typeof entriesOf>
      try {
        entries = entriesOf(at)
      } catch (error) {
        gaps.push(`${at} could not be looked into: ${sentenceOf(error)}`)
        return
      }
      for (const entry of entries) {
        const path = join(at, entry.name)
        if (entry.isDirectory()) {
          if (depth < deepest && isWorthALook(entry.name, basename(at))) look(path, depth + 1)
        } else if ((entry.isFile() || entry.isSymbolicLink()) && !isOurs(entry.name)) {
          if (++looked > mostFiles) return
          const file = tryFile(path, gaps)
          if (file !== null) found.set(`${file.device}:${file.inode}`, file)
        }
      }
    }
    requireFolder(folder)
    look(folder, 0)
    if (looked > mostFiles) gaps.push(`there are more than ${mostFiles} files; the rest was not looked at`)
    const files = [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
    return { files, looked: Math.min(looked, mostFiles), gaps }
  },
  at: async (path) => {
    try {
      const file = readFile(path)
      if (file !== null) return file
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error))) throw diskError(error, `read ${path}`, 'Nothing was changed.')
      throw new DrError('DATABASE_MISSING', {
        what: `there is no file at ${path}`,
        untouched: 'Nothing was changed.',
        next: 'Give the path of the database with --db, or start the bot once so that it makes it.',
        cause: error,
      })
    }
    throw new DrError('DATABASE_NOT_SQLITE', {
      what: `${path} does not begin like a SQLite database`,
      untouched: 'Nothing was changed.',
      next: 'Give the path of the database file itself with --db.',
    })
  },
}

/** @throws DATABASE_MISSING */
function requireFolder(folder: string): void {
  const facts = statSync(folder, { throwIfNoEntry: false })
  if (facts?.isDirectory() === true) return
  throw new DrError('DATABASE_MISSING', {
    what: facts === undefined ? `there is no folder ${folder}` : `${folder} is not a folder`,
    untouched: 'Nothing was written.',
    next: 'Give the folder of the bot, or name its database with --db FILE.',
  })
}

function entriesOf(folder: string) {
  return readdirSync(folder, { withFileTypes: true })
}

/** What is hidden holds tools and our own work (`.NAME-dr`), but for `.genesis`, where the data of a bot may lie; a replica holds `ltx`. */
function isWorthALook(name: string, parent: string): boolean {
  if (parent === '.genesis') return name === 'data'
  return name === '.genesis' || !(name.startsWith('.') || name === 'node_modules' || name === 'ltx')
}

/** Restores and checks that are under way, or were left. */
function isOurs(name: string): boolean {
  return name.includes('.genesis-dr-')
}

function tryFile(path: string, gaps: string[]): DatabaseFile | null {
  try {
    return readFile(path)
  } catch (error) {
    // A link that leads nowhere, and a file that is gone by now, are none.
    if (!['ENOENT', 'ELOOP', 'ENXIO'].includes(codeOf(error))) gaps.push(`${path} could not be read: ${sentenceOf(error)}`)
    return null
  }
}

/** null when it is no regular file, or does not begin like a database. */
function readFile(path: string): DatabaseFile | null {
  if (!statSync(path).isFile()) return null
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const facts: Stats = fstatSync(descriptor)
    const bytes = new Uint8Array(databaseHeaderBytes)
    const header = decodeDatabaseHeader(bytes.subarray(0, readSync(descriptor, bytes, 0, databaseHeaderBytes, 0)))
    if (header === null) return null
    const { dev: device, ino: inode, size: sizeBytes, mode, uid, gid } = facts
    return { path: realpathSync(path), journal: header.journal, device, inode, sizeBytes, mode, uid, gid }
  } finally {
    closeSync(descriptor)
  }
}
