/** The page checksums of a capture in the file `page-sums` of its folder: a head of 4096 bytes (JSON, padded), then blocks of 4096. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeptSums, KeptSumsOf } from '../../ports/kept-sums.ts'
import { codeOf, diskError, writeAll } from './durable.ts'
import { leaveToFolder } from './folder-owner.ts'
import { fieldsOf } from './state-file.ts'

const blockBytes = 4096
const format = 1

export function keptSumsIn(folder: string): KeptSums {
  const path = join(folder, 'page-sums')
  return {
    read: async () => {
      const bytes = await contentOf(path)
      const of = bytes === null ? null : decodeHead(bytes.subarray(0, blockBytes))
      return bytes === null || of === null ? null : { of, bytes: bytes.subarray(blockBytes) }
    },
    write: (of, blocks) => {
      try {
        // The folder of a capture is there as long as the capture is. Opened each time: once a second costs nothing, and none is left open.
        const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
        try {
          if (fstatSync(file).size === 0) leaveToFolder(file, path)
          for (const { at, bytes } of blocks) writeAll(file, bytes, (at + 1) * blockBytes)
          writeAll(file, encodeHead(of), 0)
        } finally {
          closeSync(file)
        }
      } catch (error) {
        throw diskError(error, `write ${path}`, 'The replica was not touched.')
      }
    },
  }
}

/** null: there is none, or the disk does not give it. What is only a hint may be absent for any reason. */
async function contentOf(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path)
  } catch (error) {
    if (codeOf(error) === '') throw error
    return null
  }
}

function encodeHead(of: KeptSumsOf): Uint8Array {
  const head = new Uint8Array(blockBytes).fill(0x20)
  head.set(new TextEncoder().encode(JSON.stringify({ format, ...of })))
  return head
}

function decodeHead(bytes: Uint8Array): KeptSumsOf | null {
  try {
    const head = fieldsOf(JSON.parse(new TextDecoder().decode(bytes)))
    const { timelineId, txid, pageSize, pages } = head
    if (head['format'] !== format || typeof timelineId !== 'string') return null
    if (!isCount(txid) || !isCount(pageSize) || !isCount(pages)) return null
    return { timelineId, txid, pageSize, pages }
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
