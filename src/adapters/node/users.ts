/** Users and groups of this host, and what this process may do. Names come from the name service, so that directories of users count. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Users } from '../../ports/users.ts'
import type { Run } from '../process/run-command.ts'
import { writeAccess } from '../sqlite/write-access.ts'

const askMs = 5000

export function usersOfHost(run: Run): Users {
  const nameIn = async (table: 'passwd' | 'group', number: number): Promise<string> => {
    const { status, stdout } = await run('getent', [table, `${number}`], askMs)
    const name = status === 0 ? stdout.split(':')[0] : ''
    return name === undefined || name === '' ? `${number}` : name
  }
  return {
    self: async () => {
      const uid = process.geteuid?.() ?? -1
      const groups = new Set([...(process.getgroups?.() ?? []), process.getegid?.() ?? -1])
      return { uid, name: await nameIn('passwd', uid), groups: [...groups] }
    },
    userName: (uid) => nameIn('passwd', uid),
    groupName: (gid) => nameIn('group', gid),
    writeAccess: async (database) => writeAccess(database),
    closedTo: async (path, user) => {
      for (const folder of foldersTo(path)) {
        const { uid, gid, mode } = await stat(folder)
        const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
        if (user.uid !== 0 && (mode & bit) === 0) return folder
      }
      return null
    },
  }
}

/** From the root on. */
function foldersTo(path: string): readonly string[] {
  const folder = dirname(path)
  return folder === path ? [] : [...foldersTo(folder), folder]
}
