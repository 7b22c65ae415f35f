/**
 * The locks on files as the kernel shows them to everybody in /proc/locks, whoever may not look into their holders.
 *
 * A lock names its file by the device of the file system and an inode. Some file systems (btrfs) tell `stat` another device than that one;
 * the table of mounts holds the one that is meant here, so a device that is in no mount cannot be compared.
 */
import { readFileSync, readlinkSync } from 'node:fs'
import type { FileIdentity } from '../../ports/live-database.ts'
import { procFolder } from './process-table.ts'

/** Bytes of a file, inclusive; to its end: Infinity. */
export interface ByteRange {
  readonly from: number
  readonly to: number
}

export interface FileLock extends FileIdentity, ByteRange {
  /** As our /proc numbers processes; 0: of one that it does not number, as in another pid namespace. */
  readonly pid: number
  readonly mode: 'READ' | 'WRITE'
}

export const wholeFile: ByteRange = { from: 0, to: Infinity }

// Source: proc_locks(5), read 2026-11-26. A lock that is only waited for has an arrow before its kind, and is not held.
const heldLock = /^\d+: (?:POSIX|FLOCK) +\w+ +(READ|WRITE) (\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) (\d+) (\d+|EOF)$/gm

/** Throws the error of the operating system where there is no such table. */
export function readLocks(): readonly FileLock[] {
  return decodeLocks(readFileSync(`${procFolder}/locks`, 'utf8'))
}

/**
 * Those locks that touch `bytes` of `file`: the kernel shows locks of one process that lie side by side as one.
 * Where the device of the file cannot be compared, the inode alone counts; such a lock has another `device` than `file`.
 */
export function locksOn(file: FileIdentity, bytes: ByteRange, locks: readonly FileLock[] = readLocks()): readonly FileLock[] {
  const alike = locks.filter(({ inode, from, to }) => inode === file.inode && from <= bytes.to && to >= bytes.from)
  const elsewhere = alike.some(({ device }) => device !== file.device) && mountedDevices().has(file.device)
  return elsewhere ? alike.filter(({ device }) => device === file.device) : alike
}

export function decodeLocks(text: string): readonly FileLock[] {
  return [...text.matchAll(heldLock)].map(([, mode, pid, device = '', inode, from, to]) => ({
    pid: Number(pid),
    mode: mode === 'WRITE' ? 'WRITE' : 'READ',
    device: deviceNumber(device),
    inode: Number(inode),
    from: Number(from),
    to: to === 'EOF' ? Infinity : Number(to),
  }))
}

/** Ours, as /proc numbers it: it may be mounted for another pid namespace than ours. */
export function ownPid(): number {
  return Number(readlinkSync(`${procFolder}/self`))
}

/** Devices by which locks name their files, as far as they are mounted here. */
function mountedDevices(): ReadonlySet<number> {
  const table = readFileSync(`${procFolder}/self/mountinfo`, 'utf8')
  return new Set([...table.matchAll(/^\d+ \d+ (\d+):(\d+) /gm)].map(([, major, minor]) => makeDevice(Number(major), Number(minor))))
}

/** "fd:01", hexadecimal major and minor, as the number that stat gives for the same device. */
export function deviceNumber(text: string): number {
  const [major = 0, minor = 0] = text.split(':').map((part) => Number.parseInt(part, 16))
  return makeDevice(major, minor)
}

/** Linux's makedev. */
function makeDevice(major: number, minor: number): number {
  return (minor & 0xff) + ((major & 0xfff) << 8) + (((minor & 0xfff00) << 12) >>> 0)
}
