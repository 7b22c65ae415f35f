/**
 * Readers of a SQLite database by their read marks, and the SQLite that a process has loaded by what stands in the file it was loaded from.
 * The -shm is only asked for its inode: opening it would be the lock trap of whoever captures.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { LogReaders } from '../../ports/log-readers.ts'
import { shmLocks } from '../../wal/shm-locks.ts'
import { locksOn } from './lock-table.ts'
import { isForbidden, isGone, procFolder } from './process-table.ts'

export const logReaders: LogReaders = {
  inTransaction: async (database) => {
    try {
      const shm = statSync(`${database}-shm`, { throwIfNoEntry: false })
      if (shm === undefined) return []
      const marks = locksOn({ device: shm.dev, inode: shm.ino }, shmLocks.readMarks).filter(({ mode }) => mode === 'READ')
      return [...new Set(marks.map(({ pid }) => pid))].sort((a, b) => a - b)
    } catch (error) {
      if (isGone(error) || isForbidden(error)) return null
      throw error
    }
  },
  sqliteVersion: async (pid) => {
    try {
      for (const path of mappedFiles(pid)) {
        const version = versionIn(path)
        if (version !== null) return version
      }
      return null
    } catch (error) {
      if (isGone(error) || isForbidden(error)) return null
      throw error
    }
  },
}

/** Files that a process runs code from and that may hold SQLite: those named for it, then its program. By the process's own root folder. */
function mappedFiles(pid: number): readonly string[] {
  const named = new Set<string>()
  for (const line of readFileSync(`${procFolder}/${pid}/maps`, 'utf8').split('\n')) {
    const [, inode, path] = /^\S+ r-xp \S+ \S+ (\d+) +(\/.*)$/.exec(line) ?? []
    if (path === undefined || !basename(path).toLowerCase().includes('sqlite')) continue
    const seen = `${procFolder}/${pid}/root${path}`
    // Another file has its name by now, as after an update: what runs is not known.
    if (statSync(seen, { throwIfNoEntry: false })?.ino === Number(inode)) named.add(seen)
  }
  return [...named, `${procFolder}/${pid}/exe`]
}

/** Chosen: a program may have a hundred megabytes, and is read once, piece by piece. */
const pieceBytes = 4 * 1024 * 1024
const overlapBytes = 64

/** Of the SQLite that is linked into a file: the one text that reads like a version of SQLite's with a log; null when there are none or several. */
function versionIn(path: string): string | null {
  const descriptor = openSync(path, 'r')
  try {
    const found = new Set<string>()
    let hasSqlite = false
    const piece = Buffer.alloc(pieceBytes)
    for (let offset = 0; ; offset += pieceBytes - overlapBytes) {
      const text = piece.toString('latin1', 0, readSync(descriptor, piece, 0, pieceBytes, offset))
      hasSqlite ||= text.includes('SQLite format 3\0')
      for (const [, version = ''] of text.matchAll(/\0(3\.(?:[7-9]|\d{2})\.\d{1,2}(?:\.\d)?)\0/g)) found.add(version)
      if (text.length < pieceBytes) break
    }
    const [version] = found
    return hasSqlite && found.size === 1 ? (version ?? null) : null
  } finally {
    closeSync(descriptor)
  }
}
