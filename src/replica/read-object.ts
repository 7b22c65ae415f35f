/** Reading objects of a replica: whole, in part, or in pieces. */
import { must } from '../assert.ts'
import { DrError, isDrError } from '../errors.ts'
import type { LtxHeader } from '../ltx/header.ts'
import { decodeHeader, headerBytes } from '../ltx/header.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { MiB } from '../units.ts'

/** @throws OBJECT_MISSING */
export async function readWhole(store: ObjectStore, key: string): Promise<Uint8Array> {
  const object = await store.open(key)
  try {
    const bytes = new Uint8Array(object.sizeBytes)
    let filled = 0
    while (filled < bytes.length) {
      const count = await object.read(filled, bytes.subarray(filled))
      if (count === 0) break
      filled += count
    }
    return bytes.subarray(0, filled)
  } finally {
    await object.close()
  }
}

/** The header of an LTX file. Its checksum is not looked at: only a whole read can. @throws OBJECT_MISSING, LTX_DAMAGED, LTX_UNSUPPORTED */
export async function readHeader(store: ObjectStore, key: string): Promise<LtxHeader> {
  const object = await store.open(key)
  try {
    const bytes = new Uint8Array(headerBytes)
    const count = await object.read(0, bytes)
    return decodeHeader(bytes.subarray(0, count))
  } catch (error) {
    throw inFile(error, key)
  } finally {
    await object.close()
  }
}

/** What is wrong with an LTX file, with its name; any other error as it is. */
export function inFile(error: unknown, key: string): unknown {
  if (!isDrError(error, 'LTX_DAMAGED', 'LTX_UNSUPPORTED')) return error
  return new DrError(error.code, {
    what: `${key}: ${error.message}`,
    untouched: 'Nothing was put in place of the database; the file of the replica stays as it is.',
    next: 'Restore another point: genesis-dr backup-status lists them, genesis-dr recover --txid restores one. To copy on, give a new replica folder, and keep this one.',
    cause: error,
  })
}

/** Chosen: 4 MiB, because larger pieces read no faster from a disk here and cost memory. */
const pieceBytes = 4 * MiB

/** The bytes of an object in order. A piece is valid until the next one is asked for. The next piece is read while one is used. */
export async function* readPieces(store: ObjectStore, key: string): AsyncGenerator<Uint8Array> {
  const object = await store.open(key)
  let ahead: Promise<number> | null = null
  try {
    const size = Math.min(pieceBytes, Math.max(1, object.sizeBytes))
    const buffers = [new Uint8Array(size), new Uint8Array(object.sizeBytes > size ? size : 0)]
    const bufferAt = (turn: number): Uint8Array => must(buffers[turn % 2], 'two buffers take turns')
    let offset = 0
    ahead = object.read(offset, bufferAt(0))
    for (let turn = 0; ; turn++) {
      const count = await ahead
      ahead = null
      if (count === 0) return
      offset += count
      if (offset < object.sizeBytes) ahead = object.read(offset, bufferAt(turn + 1))
      yield bufferAt(turn).subarray(0, count)
      if (ahead === null) return
    }
  } finally {
    if (ahead !== null) await ahead
    await object.close()
  }
}
