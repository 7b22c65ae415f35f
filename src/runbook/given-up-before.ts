/**
 * What a run that failed had given up, when another one begins on what it left: to the new one all of that file is the database, and nothing
 * would be lost. It counts until a run is done, or a person lets the bot go on.
 */
import { newestRun } from '../workflow/find-runs.ts'
import type { JournalWorld } from '../workflow/journal.ts'
import { type BeforeFacts, factsOf } from './run-facts.ts'
import type { RunbookPorts } from './runbook.ts'

/** null: nothing. @throws JOURNAL_NEWER */
export async function givenUpBefore(
  journal: JournalWorld,
  { files }: Pick<RunbookPorts, 'files'>,
  database: string,
): Promise<BeforeFacts | null> {
  const run = await newestRun(journal)
  if (run?.end?.state !== 'failed' || run.resumedByHand) return null
  const { restored, chosen, evidence, before } = factsOf(run)
  const left: BeforeFacts | undefined =
    restored === undefined || chosen === undefined
      ? before
      : {
          runId: run.runId,
          inode: restored.inode,
          evidence: evidence === undefined || evidence.files.length === 0 ? null : evidence.folder,
          lostTransactions: chosen.lostTransactions,
          dataLossMs: chosen.dataLossMs,
        }
  return left !== undefined && (await files.stat(database))?.inode === left.inode ? left : null
}
