/** Reading a place of a file of the database: a sector that the disk does not give is damage, as SQLite itself takes it. */
import { readSync } from 'node:fs'
import { DrError, type ErrorCode, sentenceOf } from '../../errors.ts'
import { codeOf, diskError } from './durable.ts'

/** Source: what blk_status_to_errno and the file systems of Linux make of a sector that cannot be read, read 2026-11-26. */
const sectorCodes = ['EIO', 'ENODATA', 'EILSEQ', 'EBADMSG']

export interface ReadFrom {
  readonly descriptor: number
  readonly path: string
  /** What a bad sector means there. */
  readonly damage: Extract<ErrorCode, 'DATABASE_DAMAGED' | 'WAL_DAMAGED'>
  /** As readSync; tests give one that fails. */
  readonly read?: typeof readSync
}

/**
 * How many bytes were there: fewer than asked for only at the end of the file. One call of the system ends before a bad sector as it ends
 * before the end of the file, and only the next one tells which it was.
 * @throws `damage` where the disk does not give them; IO_FAILED
 */
export function readAt({ descriptor, path, damage, read = readSync }: ReadFrom, offset: number, into: Uint8Array): number {
  let done = 0
  try {
    while (done < into.length) {
      const count = read(descriptor, into, done, into.length - done, offset + done)
      if (count === 0) return done
      done += count
    }
    return done
  } catch (error) {
    if (!sectorCodes.includes(codeOf(error))) throw diskError(error, `read ${path}`, 'Nothing was changed.')
    throw new DrError(damage, {
      what: `the disk does not give ${path} at byte ${offset + done}: ${sentenceOf(error)}`,
      untouched: 'Nothing of ours was written to it, and nothing of this was published.',
      next: 'Run: genesis-dr execute --scenario DATABASE_CORRUPTION, and look after the disk.',
      cause: error,
    })
  }
}
