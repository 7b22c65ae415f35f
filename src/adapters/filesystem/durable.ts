/** Making files durable: contents by fsync of the file, names by fsync of the folder. */
import { randomBytes } from 'node:crypto'
import { constants, existsSync, writeSync } from 'node:fs'
import { type FileHandle, link, mkdir, open, readdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DrError, sentenceOf } from '../../errors.ts'
import { leaveFolderToParent, leaveToFolder } from './folder-owner.ts'

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** The folder exists, durably, with every folder above it that had to be made. @throws DISK_FULL, IO_FAILED */
export async function makeFolder(folder: string, mode = 0o777): Promise<void> {
  try {
    const missing: string[] = []
    for (let at = folder; !existsSync(at); at = dirname(at)) missing.unshift(at)
    const made: string[] = []
    // One by one: Node's own `recursive` never comes back where a file system says ENOENT of a folder that is not allowed, as /proc does.
    for (const one of missing) if (await makeOne(one, mode)) made.push(one)
    for (const one of made.toReversed()) await syncFolder(dirname(one))
    // Says what stands there, if that is no folder.
    if (missing.length === 0) await makeOne(folder, mode)
  } catch (error) {
    throw diskError(error, `make the folder ${folder}`, 'Nothing else was changed.')
  }
}

/** False: somebody else made it meanwhile. */
async function makeOne(folder: string, mode: number): Promise<boolean> {
  try {
    await mkdir(folder, { mode })
    leaveFolderToParent(folder)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await stat(folder)).isDirectory()) return false
    throw error
  }
}

/** What this process is writing now; another file with its process id is of one that is gone, as in a container, where it is always 1. */
const underWay = new Set<string>()

/**
 * 'created' when a file with the content that `fill` writes is durable at `path`; 'exists' when one was there, which is left alone.
 * Readable by its owner only, if nothing else is said: most of what is made here holds what the database holds.
 * If we die here: a temporary file `path.<pid>-<random>.tmp` may stay, and nothing is at `path`. Safe to repeat: yes, by 'exists'.
 */
export async function createFile(path: string, fill: (file: FileHandle) => Promise<void>, mode = 0o600): Promise<'created' | 'exists'> {
  // Random, because the next process may have our process id and find what we left.
  const temporary = `${path}.${process.pid}-${randomBytes(8).toString('hex')}.tmp`
  const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode)
  underWay.add(temporary)
  try {
    try {
      leaveToFolder(file.fd, temporary)
      await fill(file)
      await file.datasync()
    } finally {
      await file.close()
    }
    try {
      await link(temporary, path)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return 'exists'
      throw error
    }
  } finally {
    underWay.delete(temporary)
    await unlink(temporary)
  }
  await syncFolder(dirname(path))
  return 'created'
}

/**
 * Removes the temporary files that dead processes left when they were making the file at `path`. It lists the folder, so it is for large
 * files in small folders. If another machine or container is making that file now, it has to begin again.
 */
export async function removeAbandoned(path: string): Promise<void> {
  const folder = dirname(path)
  for (const name of await readdir(folder)) {
    const rest = name.startsWith(`${basename(path)}.`) ? name.slice(basename(path).length + 1) : ''
    const [, pid] = /^(\d+)-[0-9a-f]+\.tmp$/.exec(rest) ?? []
    const temporary = join(folder, name)
    if (pid === undefined || underWay.has(temporary) || (Number(pid) !== process.pid && isAlive(Number(pid)))) continue
    await removeIfThere(temporary)
  }
}

/** Nothing stands at the path when it resolves; its name may come back after a power failure until the folder is synced. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}

/** All of `bytes` from `offset` on: one call of the system may take fewer. */
export function writeAll(file: number, bytes: Uint8Array, offset: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done, offset + done)
}

/** The errno name of what the operating system threw, '' for anything else. */
export function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The file lies on a network or FUSE mount that does not answer any more. */
export function isDeadMount(error: unknown): boolean {
  return ['ENOTCONN', 'ESTALE', 'EIO', 'EHOSTDOWN', 'ENXIO', 'ENODEV', 'ETIMEDOUT', 'ECONNABORTED'].includes(codeOf(error))
}

/** An error of the operating system in our words; anything else as it is. `doing` completes "could not ...". */
export function diskError(error: unknown, doing: string, untouched: string): unknown {
  if (codeOf(error) === '' || error instanceof DrError) return error
  const full = ['ENOSPC', 'EDQUOT'].includes(codeOf(error))
  return new DrError(full ? 'DISK_FULL' : 'IO_FAILED', {
    what: `could not ${doing}: ${full ? 'no space is left there' : sentenceOf(error)}`,
    untouched,
    next: full
      ? 'Free space on that file system; the work goes on from where it stood.'
      : ['EACCES', 'EPERM'].includes(codeOf(error))
        ? 'This user may not: repeat it as root, or as a user who may write there.'
        : 'Look at the path, then repeat.',
    cause: error,
  })
}
