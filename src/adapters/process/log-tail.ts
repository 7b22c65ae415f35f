/** The newest lines of a growing text file. */
import { open } from 'node:fs/promises'
import { codeOf } from '../filesystem/durable.ts'

// Enough for a few hundred long lines; a log may be gigabytes.
const tailBytes = 256 * 1024

/**
 * At most `count` lines from byte `begin` on, newest last; a line that was cut by where we began to read is left out. A file that is shorter
 * was emptied since, and all of it is newer. Empty when there is no file.
 */
export async function lastLines(path: string, begin: number, count: number): Promise<readonly string[]> {
  try {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      const oldest = begin > size ? 0 : begin
      const from = Math.max(oldest, size - tailBytes)
      const bytes = Buffer.alloc(size - from)
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from)
      const lines = bytes.toString('utf8', 0, bytesRead).split('\n')
      if (lines.at(-1) === '') lines.pop()
      if (from > oldest) lines.shift()
      return count <= 0 ? [] : lines.slice(-count)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}
