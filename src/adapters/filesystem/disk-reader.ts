/**
 * Reads past the page cache (O_DIRECT) where the file system can. Such a read wants its memory aligned to blocks of the disk: that of a
 * WebAssembly.Memory is, to 64 KiB. The descriptor stays open, because closing one would drop the locks of the whole process on that file.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import type { DiskReader } from '../../ports/disk-reader.ts'
import { codeOf, diskError } from './durable.ts'

/** The part of it that is used here: it is no part of the language's own types. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => { readonly buffer: ArrayBuffer }
}

const mostBytes = 1024 * 1024
const wasmPageBytes = 64 * 1024

export interface OpenDisk extends DiskReader {
  /** Drops every lock that this process has on the file. */
  close(): void
}

/** `descriptor`: of the same file, which is read from where the file system refuses, and is not closed here. */
export function openDisk(path: string, descriptor: number): OpenDisk {
  const memory = new Uint8Array(new WebAssembly.Memory({ initial: mostBytes / wasmPageBytes, maximum: mostBytes / wasmPageBytes }).buffer)
  const direct = openDirect(path, descriptor, memory)
  return {
    how: direct === null ? 'page cache only' : 'direct',
    read: (offset, sizeBytes) => {
      const into = memory.subarray(0, sizeBytes)
      try {
        return into.subarray(0, readSync(direct ?? descriptor, into, 0, into.length, offset))
      } catch (error) {
        throw diskError(error, `read ${path} at byte ${offset}`, 'The database was not touched.')
      }
    },
    close: () => {
      if (direct !== null) closeSync(direct)
    },
  }
}

/** null: refused. Called before anything is locked, so that its descriptor may be closed. */
function openDirect(path: string, descriptor: number, memory: Uint8Array): number | null {
  let direct: number | null = null
  try {
    direct = openSync(path, constants.O_RDONLY | constants.O_DIRECT)
    readSync(direct, memory, 0, 4096, 0)
    const [own, known] = [fstatSync(direct), fstatSync(descriptor)]
    if (own.ino === known.ino && own.dev === known.dev) return direct
  } catch (error) {
    if (!['EINVAL', 'EOPNOTSUPP', 'ENOTSUP', 'EACCES', 'ENOENT', 'EIO'].includes(codeOf(error))) throw error
  }
  if (direct !== null) closeSync(direct)
  return null
}
