/** Owner, group and mode of a file for the one that takes its place; tried beforehand on a file that has no name and is gone at once. */
import { constants } from 'node:fs'
import { type FileHandle, open, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sentenceOf } from '../../errors.ts'
import type { FileFacts } from '../../ports/database-files.ts'
import { codeOf } from './durable.ts'

type Owner = Pick<FileFacts, 'uid' | 'gid' | 'mode'>

/** null: `file` has owner, group and mode of `like` now; otherwise why it has not. */
export async function giveOwner(file: FileHandle, like: Owner): Promise<string | null> {
  const mode = like.mode & 0o7777
  const wanted = `owner ${like.uid}, group ${like.gid} and mode ${mode.toString(8)}`
  try {
    const before = await file.stat()
    if (before.uid !== like.uid || before.gid !== like.gid) await file.chown(like.uid, like.gid)
    await file.chmod(mode)
    const { uid, gid, mode: now } = await file.stat()
    // A mode that the system does not allow is made another one, without a word.
    if (uid === like.uid && gid === like.gid && (now & 0o7777) === mode) return null
    return `the restored file cannot be given ${wanted}: it becomes ${uid}, ${gid} and ${(now & 0o7777).toString(8)}`
  } catch (error) {
    return `the restored file cannot be given ${wanted}: ${sentenceOf(error)}`
  }
}

/** As OutputFiles.whyNotLike. */
export async function whyNotLike(path: string, like: Owner): Promise<string | null> {
  const folder = dirname(path)
  try {
    const beside = await stat(folder)
    const own = process.geteuid?.() ?? 0
    const sticky = (beside.mode & 0o1000) !== 0
    if (sticky && ![0, beside.uid, like.uid].includes(own)) {
      return `in ${folder}, which is sticky, this user (uid ${own}) cannot rename what belongs to uid ${like.uid}`
    }
    const file = await openNameless(folder)
    try {
      return await giveOwner(file, like)
    } finally {
      await file.close()
    }
  } catch (error) {
    return `no file can be made in ${folder}: ${sentenceOf(error)}`
  }
}

// Source: open(2), read 2026-11-26; O_TMPFILE includes O_DIRECTORY, and is in no list of Node's.
const nameless = 0o20000000 | constants.O_DIRECTORY

/** Where the file system knows no nameless files it has a name for an instant. */
async function openNameless(folder: string): Promise<FileHandle> {
  try {
    return await open(folder, nameless | constants.O_RDWR, 0o600)
  } catch (error) {
    if (!['ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EINVAL'].includes(codeOf(error))) throw error
  }
  const path = join(folder, `.genesis-dr-${process.pid}.tmp`)
  const file = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600)
  await unlink(path)
  return file
}
