/**
 * Who has a file open, read from /proc: every descriptor and every mapping of every process is compared by device and inode, so that
 * renamed and deleted files, other mount namespaces and chroots make no difference.
 *
 * Even root meets processes that it may not look into (a sandbox's own init, a process of a stronger container), and others do not even
 * see those of other users where /proc hides them. They are known by their locks: /proc/locks shows everybody's, and SQLite in WAL mode
 * holds one on the database and on its -shm from the first read of a connection until it is closed. So an unseen process with a lock on
 * one of the files is a holder; an unseen one without may at most read it past SQLite, as a copy program does.
 *
 * What not even the locks show makes the answer incomplete, never wrong in silence: processes outside our pid namespace, when the file
 * lies on a volume that a container can share; and unseen ones where no locks are shown at all. (Ours on the capture is, while we act.)
 */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDrError, sentenceOf } from '../../errors.ts'
import type { FileIdentity } from '../../ports/live-database.ts'
import type { Holder, Holders, OpenFiles, OpenLog } from '../../ports/open-files.ts'
import { codeOf, isDeadMount } from '../filesystem/durable.ts'
import { takeProcessLock } from '../filesystem/process-lock.ts'
import { deviceNumber, type FileLock, locksOn, readLocks, wholeFile } from './lock-table.ts'
import { describeProcess, isForbidden, isGone, listPids, procFolder, readProcess, showsEverybody } from './process-table.ts'

export const openFilesFromProc: OpenFiles = {
  holders: async (files) => {
    try {
      return findHolders(files)
    } catch (error) {
      return { processes: [], complete: false, because: `${procFolder} could not be read: ${sentenceOf(error)}` }
    }
  },
  logsBeside: async (database) => {
    try {
      return listPids().flatMap((pid) => logsIn(pid, keyOf(database)))
    } catch (error) {
      if (isGone(error) || isForbidden(error)) return []
      throw error
    }
  },
}

function logsIn(pid: number, database: string): readonly OpenLog[] {
  const folder = `${procFolder}/${pid}/fd`
  try {
    const open = readdirSync(folder).flatMap((descriptor) => {
      const file = openFile(folder, descriptor)
      return file === null ? [] : [{ ...file, path: readlinkSync(`${folder}/${descriptor}`) }]
    })
    const names = open.filter((one) => keyOf(one) === database).flatMap(({ path }) => [`${path}-wal`, `${path}-shm`])
    const logs = open.filter(({ path }) => names.includes(path))
    return logs.length === 0 ? [] : logs.map((log) => ({ ...log, pid, command: describeProcess(pid) }))
  } catch (error) {
    if (isGone(error) || isForbidden(error)) return []
    throw error
  }
}

// A process that is forked while we look has a new pid, so we look again until a round meets nobody new.
const maxRounds = 8

function findHolders(files: readonly FileIdentity[]): Holders {
  const wanted = new Set(files.map(keyOf))
  const inodes = files.map((file) => ` ${file.inode} `)
  const looked = new Set<number>()
  const unseen = new Set<number>()
  const found = new Map<number, Holder>()
  const gaps: string[] = []
  for (let round = 1; ; round++) {
    const pids = listPids().filter((pid) => !looked.has(pid))
    if (pids.length === 0) break
    if (round > maxRounds) {
      gaps.push('processes are started faster than they can be looked into')
      break
    }
    for (const pid of pids) {
      looked.add(pid)
      const answer = holds(pid, wanted, inodes)
      if (answer === 'yes') found.set(pid, { pid, command: describeProcess(pid) })
      if (answer === 'unseen') unseen.add(pid)
    }
  }
  const everybody = showsEverybody()
  const locks = unseen.size === 0 && everybody ? shownLocks() : provenLocks()
  const seen = (pid: number): boolean => looked.has(pid) && !unseen.has(pid)
  // All of them: one that was looked into in vain has opened the file since, one that was never seen is hidden from us.
  for (const pid of lockOwners(locks ?? [], files, seen)) if (!found.has(pid)) found.set(pid, { pid, command: describeProcess(pid) })
  if (locks === null) {
    const who = everybody ? `${unseen.size} of ${looked.size} processes` : 'the processes of other users, which are hidden (hidepid),'
    gaps.push(`${who} may not be looked into, and ${procFolder}/locks shows no lock at all, so theirs cannot be known`)
  }
  if (!inFirstPidNamespace() && files.some((file) => file.device !== statSync('/').dev)) {
    gaps.push('this process runs in a container and the file lies on a volume: processes outside the container cannot be seen')
  }
  const processes = [...found.values()].sort((a, b) => a.pid - b.pid)
  if (gaps.length > 0) return { processes, complete: false, because: gaps.join('; ') }
  const rest = unseen.size === 0 ? '' : `, ${unseen.size} of them by their locks only`
  const hidden = everybody ? '' : ', and those of other users, which are hidden (hidepid), by their locks only'
  return { processes, complete: true, because: `${looked.size} processes were looked into by inode${rest}${hidden}` }
}

function holds(pid: number, wanted: ReadonlySet<string>, inodes: readonly string[]): 'yes' | 'no' | 'unseen' {
  try {
    const descriptors = readdirSync(`${procFolder}/${pid}/fd`)
    // No descriptor at all: a kernel thread, or a process whose first thread has ended while others go on with the files.
    if (descriptors.length === 0) return threadsHold(pid, wanted) || maps(pid, wanted, inodes) ? 'yes' : 'no'
    return opens(`${procFolder}/${pid}/fd`, descriptors, wanted) || maps(pid, wanted, inodes) ? 'yes' : 'no'
  } catch (error) {
    if (isGone(error)) return 'no'
    if (!isForbidden(error)) throw error
    const facts = readProcess(pid)
    return facts === null || facts.kernelThread || facts.ended ? 'no' : 'unseen'
  }
}

function opens(folder: string, descriptors: readonly string[], wanted: ReadonlySet<string>): boolean {
  for (const descriptor of descriptors) {
    const file = openFile(folder, descriptor)
    if (file !== null && wanted.has(keyOf(file))) return true
  }
  return false
}

/** Follows the link to the open file itself, whatever its name is by now. null when it was closed meanwhile, or its mount is dead. */
function openFile(folder: string, descriptor: string): FileIdentity | null {
  try {
    const file = statSync(`${folder}/${descriptor}`)
    return { device: file.dev, inode: file.ino }
  } catch (error) {
    // The database was just looked at, so a file that cannot be (a network or FUSE mount that died) is another one.
    if (isGone(error) || isDeadMount(error)) return null
    throw error
  }
}

function threadsHold(pid: number, wanted: ReadonlySet<string>): boolean {
  const threads = readdirSync(`${procFolder}/${pid}/task`)
  return (
    threads.length > 1 &&
    threads.some((thread) => {
      const folder = `${procFolder}/${pid}/task/${thread}/fd`
      return opens(folder, readdirSync(folder), wanted)
    })
  )
}

/** A mapping outlives its descriptor. Its table names device and inode, but some file systems show another device there than in stat. */
function maps(pid: number, wanted: ReadonlySet<string>, inodes: readonly string[]): boolean {
  const table = readFileSync(`${procFolder}/${pid}/maps`, 'latin1')
  if (!inodes.some((inode) => table.includes(inode))) return false
  for (const line of table.split('\n')) {
    const [range = '', , , device = '', inode = ''] = line.split(/ +/)
    if (!inodes.includes(` ${inode} `)) continue
    if (wanted.has(keyOf({ device: deviceNumber(device), inode: Number(inode) })) || mappedFile(pid, range, wanted)) return true
  }
  return false
}

function mappedFile(pid: number, range: string, wanted: ReadonlySet<string>): boolean {
  try {
    const file = statSync(`${procFolder}/${pid}/map_files/${range}`, { throwIfNoEntry: false })
    return file !== undefined && wanted.has(keyOf({ device: file.dev, inode: file.ino }))
  } catch (error) {
    // Only root may follow these links. The inode number matched: a holder, as far as can be told.
    if (isForbidden(error)) return true
    throw error
  }
}

/**
 * The table, where it is known to show what there is: an empty one may be that of a quiet machine, or of a kernel that shows none. So a lock is
 * taken for it, on a file that is nobody's. null: it does not show that one either, or none can be taken.
 */
function provenLocks(): readonly FileLock[] | null {
  const locks = shownLocks()
  if (locks.length > 0) return locks
  let folder: string | null = null
  try {
    folder = mkdtempSync(join(tmpdir(), 'genesis-dr-lock-'))
    const ours = takeProcessLock(join(folder, 'lock'), 'look')
    const withOurs = shownLocks()
    ours?.release()
    return withOurs.length > 0 ? withOurs : null
  } catch (error) {
    if (codeOf(error) === null && !isDrError(error)) throw error
    return null
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true })
  }
}

/** Empty also where they cannot be read: then nothing is shown either. */
function shownLocks(): readonly FileLock[] {
  try {
    return readLocks()
  } catch (error) {
    if (isGone(error) || isForbidden(error)) return []
    throw error
  }
}

/** Pids that hold a lock on one of `files`. Where its device cannot be compared, the inode alone counts, of those that were not `seen`. */
function lockOwners(locks: readonly FileLock[], files: readonly FileIdentity[], seen: (pid: number) => boolean): readonly number[] {
  return files.flatMap((file) =>
    locksOn(file, wholeFile, locks)
      .filter(({ device, pid }) => device === file.device || !seen(pid))
      .map(({ pid }) => pid),
  )
}

const keyOf = (file: FileIdentity): string => `${file.device}:${file.inode}`

// Inode of the first pid namespace, fixed in the kernel (PROC_PID_INIT_INO).
const firstPidNamespace = 'pid:[4026531836]'

function inFirstPidNamespace(): boolean {
  return readlinkSync(`${procFolder}/self/ns/pid`) === firstPidNamespace
}
