/** What the kernel says of locks, line by line. */
import { expect, it } from 'vitest'
import { decodeLocks, deviceNumber } from './lock-table.ts'

const table = `1: POSIX  ADVISORY  WRITE 5263 fe:00:10101306 120 120
2: POSIX  ADVISORY  READ 5263 fe:00:10101306 124 124
2: -> POSIX  ADVISORY  WRITE 77 fe:00:10101306 124 124
3: FLOCK  ADVISORY  WRITE 0 00:2f:9 0 EOF
4: OFDLCK ADVISORY  READ -1 fe:00:10101304 0 EOF
5: LEASE  ACTIVE    READ 12 fe:00:10101304 0 EOF
`

it('held locks are told, and neither those that are waited for nor those of no process', () => {
  const shm = { pid: 5263, device: deviceNumber('fe:00'), inode: 10101306 }
  expect(decodeLocks(table)).toEqual([
    { ...shm, mode: 'WRITE', from: 120, to: 120 },
    { ...shm, mode: 'READ', from: 124, to: 124 },
    { pid: 0, mode: 'WRITE', device: 0x2f, inode: 9, from: 0, to: Infinity },
  ])
  expect(decodeLocks('')).toEqual([])
})
