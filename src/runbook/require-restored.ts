/** Whether the file at the path of the database is still the one that this run put there: what is proven of one holds of no other. */
import { DrError } from '../errors.ts'
import type { RunFacts } from './run-facts.ts'
import type { RunbookPorts } from './runbook.ts'

/** @throws VERIFICATION_FAILED */
export async function requireRestored(
  { files }: Pick<RunbookPorts, 'files'>,
  { restored }: Pick<Partial<RunFacts>, 'restored'>,
  database: string,
): Promise<void> {
  if (restored === undefined) return
  const standing = await files.stat(database)
  if (standing?.inode === restored.inode) return
  throw new DrError('VERIFICATION_FAILED', {
    what: `${standing === null ? 'nothing' : 'another file'} stands at ${database}, where this run had put the restored one`,
    untouched: 'It was not touched; the evidence is kept, and the bot stays stopped.',
    next: 'Find out who moved it. Then give the same command again: it begins with what stands there.',
  })
}
