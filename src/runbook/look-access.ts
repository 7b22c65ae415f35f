/** How SQLite may look at a database so that nothing appears beside it and nothing in it changes. */
import type { FileAccess } from '../ports/database-checks.ts'
import type { HolderPorts } from './holders.ts'
import type { Finding } from './runbook.ts'

/** null: nobody has it open and a log stands beside it, which SQLite would take up as soon as it looked. */
export async function lookAccess({ files, openFiles, capture }: HolderPorts, database: string): Promise<FileAccess | null> {
  const standing = await files.stat(database)
  const hasLog = (await files.stat(`${database}-wal`)) !== null
  const hasIndex = (await files.stat(`${database}-shm`)) !== null
  const { pid } = await capture.reach()
  // What a capture follows has both, and nothing new appears.
  if (pid !== null && hasLog && hasIndex) return 'shared'
  const { processes, complete } = standing === null ? { processes: [], complete: true } : await openFiles.holders([standing])
  if (processes.length > 0 || (!complete && hasLog && hasIndex)) return 'shared'
  return hasLog ? null : 'alone'
}

export const untouchable: Finding = {
  found: null,
  because: 'nobody has the database open and its log stands beside it, so that it cannot be looked at without touching it',
}
