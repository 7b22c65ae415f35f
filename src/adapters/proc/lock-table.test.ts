/** What the kernel says of locks, line by line. */
import { statSync } from 'node:fs'
import { expect, it } from 'vitest'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import { decodeLocks, deviceNumber, type FileLock, locksOn, wholeFile } from './lock-table.ts'

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

describeWith([linuxProc], 'the locks on a file', () => {
  const mounted = statSync('/proc').dev
  // No file system has it.
  const unmounted = 0xfffff
  const lock = (device: number, from: number, to: number): FileLock => ({ pid: 7, mode: 'READ', device, inode: 9, from, to })

  it('of a device that locks are named by -> those of that device only', () => {
    const locks = [lock(mounted, 1, 1), lock(unmounted, 1, 1)]
    expect(locksOn({ device: mounted, inode: 9 }, wholeFile, locks)).toEqual([lock(mounted, 1, 1)])
    expect(locksOn({ device: mounted, inode: 8 }, wholeFile, locks)).toEqual([])
  })
  it('of a device that they are not named by, as on btrfs -> those of that inode', () => {
    const locks = [lock(mounted, 1, 1)]
    expect(locksOn({ device: unmounted, inode: 9 }, wholeFile, locks)).toEqual(locks)
  })
  it('on bytes that the kernel shows together with their neighbours -> found', () => {
    const locks = [lock(mounted, 127, 128), lock(mounted, 128, 128), lock(mounted, 122, 122)]
    expect(locksOn({ device: mounted, inode: 9 }, { from: 123, to: 127 }, locks)).toEqual([lock(mounted, 127, 128)])
  })
})
