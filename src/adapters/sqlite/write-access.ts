/**
 * Whether this user may follow a live database, and the very command that lets it.
 *
 * With read permission only, SQLite's BEGIN IMMEDIATE says that it succeeded and holds no lock at all, and checkpoints fail: so it is
 * refused. A user who is neither root nor the bot's own needs group write on the files and on the folder. SQLite makes -wal and -shm with
 * the mode of the database; their group is that of the folder where that has the setgid bit, otherwise that of the process: without the
 * bit, the bot could not open what was made for us, and we would be the outage.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DrError } from '../../errors.ts'
import type { WriteAccess } from '../../ports/users.ts'
import { shellWord } from '../../shell-word.ts'
import { isForbidden, isGone } from '../proc/process-table.ts'

/** What stands there, and who asks. */
export interface WriteFacts {
  readonly database: string
  readonly folder: string
  /** The database, its -wal and its -shm, what is there of them. */
  readonly files: readonly string[]
  /** Those of them, the folder included, that this user may not write. */
  readonly denied: readonly string[]
  readonly uid: number
  /** Every group of this user. */
  readonly gids: readonly number[]
  /** The database's. */
  readonly owner: { readonly uid: number; readonly gid: number; readonly mode: number }
  /** Of files that are made in the folder for this user. */
  readonly newGid: number
}

/** @throws DATABASE_READ_ONLY; ENOENT as the file system says it when there is nothing at `path` */
export function requireWritable(path: string): void {
  const facts = writeFacts(path)
  const because = whyNot(facts)
  if (because === null) return
  throw new DrError('DATABASE_READ_ONLY', {
    what: because,
    untouched: 'The database was not changed, and nothing was published.',
    next: wayIn(facts),
  })
}

/** `path` exists. */
export function writeAccess(path: string): WriteAccess {
  const facts = writeFacts(path)
  const because = whyNot(facts)
  return because === null ? { may: true } : { may: false, because, instead: whoMay(facts), commands: letIn(facts) }
}

function writeFacts(path: string): WriteFacts {
  const folder = dirname(path)
  const files = ['', '-wal', '-shm'].map((suffix) => `${path}${suffix}`).filter((file) => existsSync(file))
  const { R_OK, W_OK, X_OK } = constants
  const denied = [...files.filter((file) => !may(file, R_OK | W_OK)), ...(may(folder, W_OK | X_OK) ? [] : [folder])]
  const { uid, gid, mode } = statSync(path)
  const beside = statSync(folder)
  // Both are there on every system but one that has no /proc either.
  const [ownUid = 0, ownGid = 0] = [process.geteuid?.(), process.getegid?.()]
  const setsGroup = (beside.mode & 0o2000) !== 0
  return {
    database: path,
    folder,
    files,
    denied,
    uid: ownUid,
    gids: [...new Set([ownGid, ...(process.getgroups?.() ?? [])])],
    owner: { uid, gid, mode },
    newGid: setsGroup ? beside.gid : ownGid,
  }
}

function may(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch (error) {
    // The bot closes its last connection at any moment, and takes its log with it.
    if (isGone(error)) return true
    // On a read-only file system, too, nothing can be locked.
    if (isForbidden(error) || (error instanceof Error && 'code' in error && error.code === 'EROFS')) return false
    throw error
  }
}

/** null: it may. */
export function whyNot({ database, denied, uid, owner, newGid }: WriteFacts): string | null {
  if (denied.length > 0) {
    return `this user (uid ${uid}) may not write ${denied.join(' and ')}, so that SQLite's locks cannot be held: with read permission only, a write lock seems to be taken and is not`
  }
  const everybody = (owner.mode & 0o006) === 0o006
  if (uid === 0 || uid === owner.uid || newGid === owner.gid || everybody) return null
  return `what SQLite makes beside ${database} for this user (uid ${uid}) would be of group ${newGid} and not of group ${owner.gid}, so that the bot (uid ${owner.uid}) could not open it`
}

export function wayIn(facts: WriteFacts): string {
  const commands = letIn(facts)
  if (commands.length === 0) return `${whoMay(facts)}.`
  const joined = facts.gids.includes(facts.owner.gid)
  return `${whoMay(facts)}; or let this user in: ${commands.join(' && ')}${joined ? '' : ' (then log in again)'}`
}

/** Who may without anything being changed. */
function whoMay({ owner }: WriteFacts): string {
  return owner.uid === 0 ? 'Run it as root' : `Run it as the user of the bot (uid ${owner.uid}) or as root`
}

/** The commands that let this user in. Empty where the group is that of root, which opens far more than a database. */
function letIn({ folder, files, gids, owner }: WriteFacts): readonly string[] {
  if (owner.gid === 0) return []
  const listed = files.map(shellWord).join(' ')
  return [
    ...(gids.includes(owner.gid) ? [] : [`sudo usermod -aG ${owner.gid} "$(id -un)"`]),
    `sudo chgrp ${owner.gid} ${listed} ${shellWord(folder)}`,
    `sudo chmod g+rw ${listed}`,
    `sudo chmod g+rwxs ${shellWord(folder)}`,
  ]
}
