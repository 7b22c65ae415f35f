/** Which runbook of DATABASE_CORRUPTION is meant: that of the interrupted run which is gone on with, otherwise the one that is asked for. */
import { DrError } from '../../errors.ts'
import { lastInterrupted } from '../../workflow/find-runs.ts'
import { choosePoint } from '../choose-point.ts'
import { commandFor, type ExecuteWorld } from '../execute.ts'
import type { Runbook } from '../runbook.ts'
import { databaseCorruption, databaseCorruptionOn } from './database-corruption.ts'
import { runbookOf } from './runbook-of.ts'
import { timelineOption } from './timeline-option.ts'

/**
 * `timeline`: as for databaseCorruptionOn. It is looked for before anything is stopped.
 * @throws RUN_ACTIVE when the interrupted run is about another timeline; as choosePoint
 */
export async function corruptionRunbook({ journal, ports }: ExecuteWorld, timeline: string | null): Promise<Runbook> {
  const interrupted = await lastInterrupted(journal)
  if (interrupted?.scenario === databaseCorruption.scenario) {
    if (timeline === null || timelineOption(interrupted.options) === timeline) {
      return runbookOf(interrupted.scenario, interrupted.options) ?? databaseCorruption
    }
    throw new DrError('RUN_ACTIVE', {
      what: `run ${interrupted.runId}, which was not begun for timeline ${timeline}, was interrupted and is not finished`,
      untouched: 'Nothing was done by this command.',
      next: `Finish it first: ${commandFor(interrupted)}`,
    })
  }
  if (timeline !== null) await choosePoint(ports.store, timeline, { kind: 'last-good' })
  return databaseCorruptionOn(timeline)
}
