/** Whether a restored file can take the place of the database: asked before anything is stopped, because it fails only after everything else. */
import { DrError } from '../errors.ts'
import type { RunbookPorts } from './runbook.ts'

/** @throws OWNERSHIP_LOST when owner, group or mode of the database that stands could not be kept */
export async function requireOwner({ files, outputs }: Pick<RunbookPorts, 'files' | 'outputs'>, database: string): Promise<void> {
  const standing = await files.stat(database)
  const because = standing === null ? null : await outputs.whyNotLike(database, standing)
  if (because === null) return
  throw new DrError('OWNERSHIP_LOST', {
    what: `the database could not be replaced: ${because}`,
    untouched: 'Nothing was stopped, and nothing was touched.',
    next: 'Repeat as root, or as the user of the bot; genesis-dr recover --output FILE restores to a file of your own.',
  })
}
