/** A log that is read as a plain file, and of which a copy is kept in the folder of the capture, named by the time of its last change. */
import { closeSync, fstatSync, readSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DrError } from '../../errors.ts'
import type { LogFile } from '../../ports/log-file.ts'
import { isoTime, MiB } from '../../units.ts'
import { codeOf, createFile, diskError } from './durable.ts'
import { openOrNull } from './resting-database.ts'

const prefix = 'unread-log-'

/** `hasRoomFor`: so many bytes may be written to the folder. null: the database has no log. @throws IO_FAILED */
export function openLogFile(database: string, folder: string, hasRoomFor: (bytes: number) => boolean): LogFile | null {
  const path = `${database}-wal`
  const log = openOrNull(path)
  if (log === null) return null
  return {
    readWal: (offset, into) => {
      try {
        return readSync(log, into, 0, into.length, offset)
      } catch (error) {
        throw diskError(error, `read ${path}`, 'Nothing was changed.')
      }
    },
    keep: async (fromByte) => {
      try {
        const kept = await keptIn(folder, log, fromByte)
        if (kept !== null) return kept
        const { size } = fstatSync(log)
        if (!hasRoomFor(size)) throw noRoom(path, folder)
        return await copyTo(join(folder, `${prefix}${isoTime(fstatSync(log).mtimeMs).replaceAll(':', '-')}`), log)
      } catch (error) {
        throw diskError(error, `keep a copy of ${path}`, 'Nothing was changed.')
      }
    },
    close: () => closeSync(log),
  }
}

async function keptIn(folder: string, log: number, fromByte: number): Promise<string | null> {
  for (const name of await namesIn(folder)) {
    const path = join(folder, name)
    const copy = name.startsWith(prefix) && name.endsWith('.wal') ? openOrNull(path) : null
    if (copy === null) continue
    try {
      if (sameFrom(copy, log, fromByte)) return path
    } finally {
      closeSync(copy)
    }
  }
  return null
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

function sameFrom(copy: number, log: number, fromByte: number): boolean {
  const [ofCopy, ofLog] = [chunksOf(copy, fromByte), chunksOf(log, fromByte)]
  for (;;) {
    const [a, b] = [ofCopy.next(), ofLog.next()]
    if (a.done === true || b.done === true) return a.done === b.done
    if (Buffer.compare(a.value, b.value) !== 0) return false
  }
}

function* chunksOf(file: number, fromByte: number): Generator<Uint8Array> {
  for (let at = fromByte; ; ) {
    const bytes = new Uint8Array(MiB)
    const count = readSync(file, bytes, 0, bytes.length, at)
    if (count === 0) return
    yield bytes.subarray(0, count)
    at += count
  }
}

async function copyTo(stem: string, log: number): Promise<string> {
  for (let copy = 1; ; copy++) {
    const path = `${stem}${copy === 1 ? '' : `-${copy}`}.wal`
    const outcome = await createFile(path, async (file) => {
      for (const bytes of chunksOf(log, 0)) await file.writeFile(bytes)
    })
    if (outcome === 'created') return path
  }
}

function noRoom(path: string, folder: string): DrError {
  return new DrError('DISK_FULL', {
    what: `a copy of ${path} would leave too little room in ${folder}`,
    untouched: 'Nothing was changed.',
    next: 'Copy it to another disk by hand, before the bot commits again.',
  })
}
