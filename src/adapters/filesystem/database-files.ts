/** Database files on a file system: set aside by rename, put in place by link, never replaced. */
import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { link, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { DrError, isDrError, sentenceOf } from '../../errors.ts'
import type { DatabaseFiles, FileFacts, HashedFile } from '../../ports/database-files.ts'
import { codeOf, createFile, diskError, makeFolder, removeIfThere, syncFolder } from './durable.ts'
import { deviceOf } from './object-store.ts'
import { giveOwner } from './ownership.ts'

const companions = ['', '-wal', '-shm', '-journal'] as const
const untouched = 'What was not moved yet is where it was; nothing was overwritten.'

export const databaseFiles: DatabaseFiles = {
  stat: (path) => statOrNull(path),
  setAside: async (path, folder) => {
    const moved: string[] = []
    try {
      await makeFolder(folder)
      for (const suffix of companions) {
        const from = `${path}${suffix}`
        const to = join(folder, `${basename(path)}${suffix}`)
        if ((await statOrNull(from)) === null) continue
        if ((await statOrNull(to)) !== null) throw exists(to)
        await rename(from, to)
        moved.push(to)
      }
      await syncFolder(folder)
      await syncFolder(dirname(path))
      return moved
    } catch (error) {
      throw diskError(error, `set ${path} aside into ${folder}`, untouched)
    }
  },
  putBack: async (path, folder) => {
    try {
      // What was not moved yet has no other of its name there.
      for (const suffix of companions) {
        const moved = await statOrNull(join(folder, `${basename(path)}${suffix}`))
        if (moved !== null && (await statOrNull(`${path}${suffix}`)) !== null) return 'taken'
      }
      // The database last: whoever finds it at its name finds its log there too.
      for (const suffix of companions.toReversed()) {
        const from = join(folder, `${basename(path)}${suffix}`)
        if ((await statOrNull(from)) === null) continue
        // A link, because unlike a rename it fails when something appeared at the name meanwhile.
        await link(from, `${path}${suffix}`)
        await unlink(from)
      }
      await syncFolder(dirname(path))
      await syncFolder(folder)
      return 'back'
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return 'taken'
      throw diskError(error, `put ${path} back from ${folder}`, 'Nothing was overwritten.')
    }
  },
  place: async (temporary, path, like) => {
    // A log that stands beside the name would be taken for that of the restored database.
    for (const suffix of companions) if ((await statOrNull(`${path}${suffix}`)) !== null) throw exists(`${path}${suffix}`)
    try {
      const file = await open(temporary)
      try {
        const lost = like === null ? null : await giveOwner(file, like)
        if (lost !== null) throw ownershipLost(temporary, lost)
        await file.sync()
      } finally {
        await file.close()
      }
      // A link, because unlike a rename it fails when something appeared at the path meanwhile.
      await link(temporary, path)
      await unlink(temporary)
      await syncFolder(dirname(path))
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw exists(path)
      if (isDrError(error)) throw error
      throw diskError(error, `give the restored file the name ${path}`, 'The restored file stays under its temporary name.')
    }
  },
  writeNew: async (path, bytes) => {
    try {
      if ((await createFile(path, (file) => file.writeFile(bytes))) === 'exists') throw exists(path)
    } catch (error) {
      throw diskError(error, `write ${path}`, untouched)
    }
  },
  hashFolder: async (folder) => {
    const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => entry.name)
    const hashed = []
    for (const name of names.sort()) {
      const path = join(folder, name)
      hashed.push({ name, sizeBytes: (await stat(path)).size, ...(await hashOf(path)) })
    }
    return hashed
  },
  removeTemporary: async (path) => {
    for (const suffix of companions) {
      try {
        await removeIfThere(`${path}${suffix}`)
      } catch (error) {
        throw diskError(error, `remove ${path}${suffix}`, 'The database is as it was.')
      }
    }
  },
  evidenceFolder: async (path, preferred) => {
    const same = (await deviceOf(preferred)) === (await deviceOf(dirname(path)))
    return same ? preferred : join(dirname(path), `.${basename(path)}-dr`, 'evidence', basename(preferred))
  },
}

async function hashOf(path: string): Promise<Pick<HashedFile, 'sha256' | 'because'>> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk)
    return { sha256: hash.digest('hex') }
  } catch (error) {
    if (codeOf(error) === '') throw error
    return { sha256: null, because: sentenceOf(error) }
  }
}

function ownershipLost(temporary: string, what: string): DrError {
  return new DrError('OWNERSHIP_LOST', {
    what,
    untouched: `The restored file stays at ${temporary}; nothing is in its place yet.`,
    next: 'Repeat as root, or as the user of the bot.',
  })
}

async function statOrNull(path: string): Promise<FileFacts | null> {
  try {
    return factsOf(await stat(path))
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null
    throw diskError(error, `look at ${path}`, untouched)
  }
}

function factsOf(facts: Stats): FileFacts {
  return { device: facts.dev, inode: facts.ino, sizeBytes: facts.size, mode: facts.mode, uid: facts.uid, gid: facts.gid }
}

function exists(path: string): DrError {
  return new DrError('OUTPUT_EXISTS', {
    what: `there is something at ${path} already`,
    untouched: 'It was not touched.',
    next: 'Move it away if it is not needed, then repeat.',
  })
}
