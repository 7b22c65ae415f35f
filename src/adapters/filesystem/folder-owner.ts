/**
 * Root makes files for others: what it makes in a folder of somebody else's belongs to him, as SQLite does it with a log. Otherwise the bot's
 * own user could not go on where root began, nor read what root wrote. By descriptor where there is one: a path in a folder of another user
 * may be another file by the time it is named again.
 */
import { closeSync, constants, fchownSync, lchownSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

function ownerOf(folder: string): { readonly uid: number; readonly gid: number } | null {
  if (process.geteuid?.() !== 0) return null
  const { uid, gid } = statSync(folder)
  return uid === 0 ? null : { uid, gid }
}

/** `file`: a descriptor of what was just made at `path`. */
export function leaveToFolder(file: number, path: string): void {
  const owner = ownerOf(dirname(path))
  if (owner !== null) fchownSync(file, owner.uid, owner.gid)
}

/** Of a folder that was just made. */
export function leaveFolderToParent(folder: string): void {
  const owner = ownerOf(dirname(folder))
  if (owner !== null) lchownSync(folder, owner.uid, owner.gid)
}

/** An empty file is there, its owner as above; one that was there is left as it is. */
export function makeEmpty(path: string, mode: number): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, mode)
  try {
    leaveToFolder(file, path)
  } finally {
    closeSync(file)
  }
}
