/** A read that ends early: at the end of the file, or before a sector that the disk does not give. */
import type { readSync } from 'node:fs'
import { expect, it } from 'vitest'
import { type ReadFrom, readAt } from './read-at.ts'

/** A file of `size` bytes, each 7, whose sector at `bad` gives `code`; one call gives what stands before that, as Linux does. */
function disk(size: number, bad: number, code: string): ReadFrom {
  const read = (_file: number, into: Uint8Array, at: number, length: number, offset: number): number => {
    if (offset >= bad) throw Object.assign(new Error(`${code}: i/o error, read`), { code })
    const count = Math.max(0, Math.min(length, size - offset, bad - offset))
    into.fill(7, at, at + count)
    return count
  }
  return { descriptor: 0, path: 'bot.db', damage: 'DATABASE_DAMAGED', read: read as typeof readSync }
}

it('the file ends within what is asked for -> how many bytes there are', () => {
  expect(readAt(disk(5000, Number.POSITIVE_INFINITY, ''), 4096, new Uint8Array(4096))).toBe(904)
})
it.each(['EIO', 'ENODATA', 'EILSEQ', 'EBADMSG'])(
  'a sector behind the first pages cannot be read (%s) -> damage, with its place, and not the end of the file',
  (code) => {
    expect(() => readAt(disk(99_999, 8192, code), 4096, new Uint8Array(8192))).toThrow(
      expect.objectContaining({ code: 'DATABASE_DAMAGED', message: expect.stringContaining('bot.db at byte 8192') }),
    )
  },
)
it('the read fails of anything else -> IO_FAILED', () => {
  expect(() => readAt(disk(99_999, 0, 'EACCES'), 0, new Uint8Array(10))).toThrow(expect.objectContaining({ code: 'IO_FAILED' }))
})
