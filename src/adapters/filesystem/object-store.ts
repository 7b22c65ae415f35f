/**
 * A replica in a folder of a file system. A key is a path below the folder; the object's own time is the file's mtime, as Litestream
 * keeps it. An object is linked to its name from a finished temporary file, so that it is whole or absent, and never replaced.
 */
import { randomBytes } from 'node:crypto'
import { constants, lstatSync } from 'node:fs'
import { link, open, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DrError } from '../../errors.ts'
import type { ObjectBody, ObjectStore, OpenObject, StoredObject } from '../../ports/object-store.ts'
import { MiB } from '../../units.ts'
import { codeOf, createFile, diskError, isDeadMount, makeFolder, removeAbandoned, removeIfThere, syncFolder } from './durable.ts'

const untouched = 'Nothing that is in the replica was changed.'

export async function openFolderStore(url: string, root: string): Promise<ObjectStore> {
  return {
    url,
    layout: 'folder',
    capabilities: { conditionalCreate: true, link: 'hard-link', device: await deviceOf(root) },
    list: (prefix) => guarded(`list ${url}`, () => walk(root, prefix)),
    folders: (prefix) => guarded(`list ${url}`, () => foldersOf(join(root, prefix))),
    open: (key) => openObject(root, key),
    create: (key, body, timestampMs) =>
      guarded(`write ${key} to ${url}`, async () => {
        const path = join(root, key)
        await makeParent(root, key)
        // Only what comes in pieces is large; a folder of flushes is too full to be listed for each.
        if (!(body instanceof Uint8Array)) await removeAbandoned(path)
        return createFile(path, async (file) => {
          for await (const chunk of chunksOf(body)) await file.writeFile(chunk)
          await file.utimes(timestampMs / 1000, timestampMs / 1000)
        })
      }),
    link: (from, to) =>
      guarded(`link ${from} to ${to} in ${url}`, async () => {
        const path = join(root, to)
        await makeParent(root, to)
        try {
          await link(join(root, from), path)
        } catch (error) {
          if (codeOf(error) === 'EEXIST') return 'exists'
          throw error
        }
        await syncFolder(dirname(path))
        return 'created'
      }),
    requireWritable: () => guarded(`write to ${url}`, () => writeProbe(join(root, 'probe.tmp'))),
  }
}

/** Chosen: a timeline begins with links and a small file, and its first flushes have room too. */
const probeBytes = MiB

async function writeProbe(path: string): Promise<void> {
  await removeAbandoned(path)
  // Chance, because a file system may keep zeros for nothing.
  await createFile(path, (file) => file.writeFile(randomBytes(probeBytes)))
  // Somebody else who looked at the same moment may have removed it.
  await removeIfThere(path)
}

/**
 * Makes the folders of an object, but never a timeline's: only its claim begins one. Where that folder is gone, somebody took the replica
 * away, and what would be written after it could never be restored.
 * @throws OBJECT_MISSING
 */
async function makeParent(root: string, key: string): Promise<void> {
  const [timeline = '', ...below] = key.split('/')
  const folder = dirname(join(root, key))
  if (below.length < 2 || !/^[0-9a-f]{8}$/.test(timeline)) return makeFolder(folder, 0o700)
  if (await isFolder(folder)) return
  if (!(await isFolder(join(root, timeline)))) {
    throw new DrError('OBJECT_MISSING', {
      what: `the timeline is gone from the replica: there is no folder ${timeline} in ${root}`,
      untouched: 'Nothing was written in its place; what had to be copied is still in the log of the database.',
      next: 'Look what became of the replica (a mount, a rename, a clean-up), bring it back, and start genesis-dr replicate again.',
    })
  }
  await makeFolder(folder, 0o700)
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false
    throw error
  }
}

/** The device that holds `path`, or would hold it once it is made. */
export async function deviceOf(path: string): Promise<number | null> {
  for (let at = path; ; at = dirname(at)) {
    try {
      return (await stat(at)).dev
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || dirname(at) === at) return null
    }
  }
}

async function* chunksOf(body: ObjectBody): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body
  else yield* body
}

/** Objects of the folder that `prefix` names, or that it begins the name of something in. */
async function walk(root: string, prefix: string): Promise<StoredObject[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const found: StoredObject[] = []
  for (const entry of await entriesOf(join(root, folder))) {
    const key = `${folder}${entry.name}`
    if (!key.startsWith(prefix)) continue
    if (entry.isDirectory()) found.push(...(await walk(root, `${key}/`)))
    else if (entry.isFile() && !key.endsWith('.tmp')) {
      // Synchronous: a replica has up to 100,000 files, and a promise each costs twenty times the call.
      const facts = lstatSync(join(root, key))
      found.push({ key, sizeBytes: facts.size, timestampMs: Math.round(facts.mtimeMs) })
    }
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
}

async function foldersOf(path: string): Promise<string[]> {
  const entries = await entriesOf(path)
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

async function openObject(root: string, key: string): Promise<OpenObject> {
  try {
    const handle = await open(join(root, key), constants.O_RDONLY)
    const { size } = await handle.stat()
    return {
      sizeBytes: size,
      read: async (offset, into) => (await handle.read(into, 0, into.length, offset)).bytesRead,
      close: () => handle.close(),
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw storeError(error, `read ${key}`)
    throw new DrError('OBJECT_MISSING', {
      what: `${key} was listed in the replica but is not there`,
      untouched,
      next: 'Repeat; if it stays missing, somebody deletes from this replica: choose another restore point (backup-status lists them).',
      cause: error,
    })
  }
}

async function guarded<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeError(error, doing)
  }
}

function storeError(error: unknown, doing: string): unknown {
  if (!isDeadMount(error)) return diskError(error, doing, untouched)
  return new DrError('STORE_UNAVAILABLE', {
    what: `could not ${doing}: the file system of the replica does not answer (${codeOf(error)})`,
    untouched,
    next: 'Look at that mount or disk; the copy goes on by itself when it answers again.',
    cause: error,
  })
}
