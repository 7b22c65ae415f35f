/** As whom this user would protect a database, whether that will do, and what it cannot do all the same. Pure. */
import type { FileFacts } from '../ports/database-files.ts'
import type { Self, WriteAccess } from '../ports/users.ts'

export interface AccessFacts {
  readonly self: Self
  readonly file: FileFacts
  readonly folderFacts: FileFacts
  readonly owner: string
  readonly group: string
  readonly writeAccess: WriteAccess
}

export interface Access {
  readonly as: 'root' | "the bot's user" | 'a user of its group' | 'another user'
  /** What we leave there can be used by the bot, and the other way round. */
  readonly does: boolean
  readonly because: string
  /** Commands that mend it; empty when it does, or when only another user should. */
  readonly mend: readonly string[]
}

export function accessOf({ self, file, folderFacts, owner, group, writeAccess }: AccessFacts): Access {
  const as =
    self.uid === 0
      ? 'root'
      : self.uid === file.uid
        ? "the bot's user"
        : self.groups.includes(file.gid)
          ? 'a user of its group'
          : 'another user'
  const seen = `the database is ${owner}:${group} ${octal(file.mode)}, its folder ${octal(folderFacts.mode)}`
  if (!writeAccess.may)
    return { as, does: false, because: `${writeAccess.because} (${seen}). ${writeAccess.instead}`, mend: writeAccess.commands }
  return { as, does: true, because: `${self.name}, ${words[as]} (${seen})`, mend: [] }
}

const limited = 'but whoever is not its owner cannot put a restored file in its place: run execute and recover as root or as the owner'
const words: Readonly<Record<Access['as'], string>> = {
  root: 'who may do everything; what SQLite makes beside it for root is given to the owner',
  "the bot's user": 'who owns it',
  'a user of its group': `who may copy it; ${limited}`,
  'another user': `who may copy it, as everybody may; ${limited}`,
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
