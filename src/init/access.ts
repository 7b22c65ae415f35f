/**
 * Whether this user can protect a database: read and write it and its folder, in such a way that the bot can still use what we make there.
 * SQLite takes its locks in -wal and -shm, which whoever comes first makes, with the mode of the database and the group of its maker, or of
 * the folder where that has the setgid bit. Pure.
 */
import type { FileFacts } from '../ports/database-files.ts'
import type { Self } from '../ports/users.ts'
import { shellWord } from './shell-word.ts'

export interface AccessFacts {
  readonly self: Self
  readonly database: FileFacts & { readonly path: string }
  readonly folder: FileFacts & { readonly path: string }
  readonly owner: string
  readonly group: string
  /** By the system. */
  readonly mayWrite: { readonly database: boolean; readonly folder: boolean }
}

export interface Access {
  readonly as: 'root' | "the bot's user" | 'a user of its group' | 'another user'
  /** What we leave there can be used by the bot, and the other way round. */
  readonly does: boolean
  readonly because: string
  /** Commands for root that mend it; empty when it does. */
  readonly mend: readonly string[]
}

const setgid = 0o2000
const groupReadWrite = 0o060

export function accessOf(facts: AccessFacts): Access {
  const { self, database, folder, owner, group, mayWrite } = facts
  const owned = `${owner}:${group} ${octal(database.mode)}, its folder ${octal(folder.mode)}`
  const writes = mayWrite.database && mayWrite.folder
  if (self.uid === 0) {
    const because = `root, who may read and write everything; what SQLite makes beside the database for it is given to the owner (${owned})`
    return writes
      ? { as: 'root', does: true, because, mend: [] }
      : {
          as: 'root',
          does: false,
          because: `root, but ${what(mayWrite)} cannot be written: the file system is mounted read-only`,
          mend: [],
        }
  }
  if (self.uid === database.uid) {
    if (writes) return { as: "the bot's user", does: true, because: `${self.name}, who owns the database (${owned})`, mend: [] }
    const mend = [`chmod u+rw ${shellWord(database.path)}`, `chmod u+rwx ${shellWord(folder.path)}`]
    return {
      as: "the bot's user",
      does: false,
      because: `${self.name} owns the database, but may not write ${what(mayWrite)} (${owned})`,
      mend,
    }
  }
  const member = self.groups.includes(database.gid)
  const inherits = self.gid === database.gid || (folder.gid === database.gid && (folder.mode & setgid) !== 0)
  const shares = (database.mode & groupReadWrite) === groupReadWrite && inherits
  const as = member ? 'a user of its group' : 'another user'
  if (writes && member && shares)
    return { as, does: true, because: `${self.name}, by the group ${group} of the database (${owned})`, mend: [] }
  const because = writes
    ? `${self.name} may write the database (${owned}), but what it makes beside it would not belong to the group ${group}, and the bot could be locked out of its own log`
    : `${self.name} may not write ${what(mayWrite)} (${owned}), so no lock on the database could be held`
  return { as, does: false, because, mend: mendGroup(facts) }
}

function what({ database, folder }: AccessFacts['mayWrite']): string {
  return database ? 'its folder' : folder ? 'the database' : 'the database and its folder'
}

/** -wal and -shm that are there need the same; those that come later take it from the database and the setgid bit. */
function mendGroup({ self, database, folder, owner, group }: AccessFacts): readonly string[] {
  const files = `${shellWord(database.path)}*`
  // The group of root opens more than this database, so nobody is made a member of it.
  const [shared, joins] = database.gid === 0 ? ['bot', ['groupadd --force bot']] : [group, []]
  const botJoins = database.gid === 0 && database.uid !== 0 ? [`usermod -aG bot ${shellWord(owner)}   # then start the bot anew`] : []
  return [
    ...joins,
    ...botJoins,
    ...(database.gid !== 0 && self.groups.includes(database.gid)
      ? []
      : [`usermod -aG ${shellWord(shared)} ${shellWord(self.name)}   # then log in anew`]),
    `chgrp ${shellWord(shared)} ${shellWord(folder.path)} ${files}`,
    `chmod g+rw ${files}`,
    `chmod g+rwxs ${shellWord(folder.path)}`,
  ]
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
