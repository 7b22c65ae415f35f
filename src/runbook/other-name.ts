/**
 * A bot that has the database open under another name: a mount of the file alone into a container, or a hard link. SQLite keeps the log
 * beside the name by which it opened the file, so that we follow one log, and the bot writes another.
 */
import { DrError } from '../errors.ts'
import type { OpenLog } from '../ports/open-files.ts'
import type { RunbookPorts } from './runbook.ts'

type Ports = Pick<RunbookPorts, 'files' | 'openFiles'>

/** As a sentence; null: nobody has, as far as can be seen. */
export async function underOtherName(ports: Ports, database: string): Promise<string | null> {
  const first = await otherLogs(ports, database)
  if (first.length === 0) return null
  // Twice, because a bot that closes and opens its database in between has a new log at the same place.
  const again = await otherLogs(ports, database)
  const sure = again.find((log) => first.some((one) => one.pid === log.pid && one.inode === log.inode))
  if (sure === undefined) return null
  const { pid, command, path } = sure
  return `process ${pid} (${command}) has ${database} open under another name, with a log of its own (${path}): what it commits is not copied`
}

async function otherLogs({ files, openFiles }: Ports, database: string): Promise<readonly OpenLog[]> {
  const standing = await files.stat(database)
  if (standing === null) return []
  const logs = await openFiles.logsBeside(standing)
  const own = [await files.stat(`${database}-wal`), await files.stat(`${database}-shm`)]
  return logs.filter((log) => !own.some((one) => one?.device === log.device && one.inode === log.inode))
}

/** @throws DATABASE_IN_USE */
export async function requireOneName(ports: Ports, database: string): Promise<void> {
  const because = await underOtherName(ports, database)
  if (because === null) return
  throw new DrError('DATABASE_IN_USE', {
    what: because,
    untouched: 'Nothing was stopped, and nothing was touched: a restore would give up all of that.',
    next: 'Stop the bot, let it open the database by its folder (into a container, mount the folder and not the file) and by one name, and start genesis-dr replicate again.',
  })
}
