/** Whether a capture that could not go on is tried again, or a person is told. */
import { expect, it } from 'vitest'
import { DrError, type ErrorCode } from '../errors.ts'
import { type CaptureMoment, mends } from './mends.ts'

const moments: readonly CaptureMoment[] = ['first attach', 'attach again', 'first process', 'next process', 'process of an agent']
const triedAgain = (code: ErrorCode): readonly CaptureMoment[] =>
  moments.filter((moment) => mends(new DrError(code, { what: '', untouched: '', next: '' }), moment))
const later = ['attach again', 'next process', 'process of an agent']

it.each([
  ['the store is away', 'STORE_UNAVAILABLE', ['first attach', ...later]],
  ['somebody holds the database', 'DATABASE_BUSY', later],
  ['the disk is full', 'DISK_FULL', later],
  ['a recovery has the database away', 'DATABASE_MISSING', later],
  ['a recovery holds the lock of the capture', 'CAPTURE_RUNNING', ['next process', 'process of an agent']],
  ['the bot left WAL mode', 'DATABASE_NOT_WAL', ['process of an agent']],
  ['the database is damaged', 'DATABASE_DAMAGED', ['next process', 'process of an agent']],
  ['it is another database', 'DATABASE_OTHER', []],
  ['somebody else goes on with the replica', 'TIMELINE_SEALED', []],
] as const)('%s -> tried again where that may help', (_situation, code, expected) => {
  expect(triedAgain(code)).toEqual(expected)
})
