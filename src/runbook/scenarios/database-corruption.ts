/** DATABASE_CORRUPTION: the file under a running bot is damaged, or it went back in time and the replica has what it lacks. */
import { minutes } from '../../units.ts'
import type { JsonObject } from '../../workflow/record.ts'
import { botCrashes } from '../probes/bot-crashes.ts'
import { dataIsInconsistent } from '../probes/data-is-inconsistent.ts'
import { integrityCheckFails } from '../probes/integrity-check-fails.ts'
import { queriesFail } from '../probes/queries-fail.ts'
import type { Runbook, Step } from '../runbook.ts'
import { drainReplica } from '../steps/drain-replica.ts'
import { findLastGood, findLastGoodOn } from '../steps/find-last-good.ts'
import { notifyTeam } from '../steps/notify-team.ts'
import { preserveEvidence } from '../steps/preserve-evidence.ts'
import { protectAgain } from '../steps/protect-again.ts'
import { reconcileExchange } from '../steps/reconcile-exchange.ts'
import { repairPages } from '../steps/repair-pages.ts'
import { restoreDatabase } from '../steps/restore-database.ts'
import { resumeTrading } from '../steps/resume-trading.ts'
import { stopTrading } from '../steps/stop-trading.ts'
import { validateRecovery } from '../steps/validate-recovery.ts'
import { timelineOption } from './timeline-option.ts'

const exchange = 'the exchange, which cannot be configured in this version: shown as not configured, and in what is not proven'

export const databaseCorruption: Runbook = {
  scenario: 'DATABASE_CORRUPTION',
  title: 'Database Corruption',
  rto: minutes(15),
  rpo: minutes(5),
  automation: 'full',
  options: {},
  detectedWhen: [integrityCheckFails, queriesFail, dataIsInconsistent, botCrashes],
  steps: [
    stopTrading,
    drainReplica,
    preserveEvidence,
    notifyTeam,
    repairPages,
    findLastGood,
    restoreDatabase,
    validateRecovery,
    reconcileExchange,
    protectAgain,
    resumeTrading,
  ],
  validation: [
    { bullet: 'Run database integrity check', check: 'database integrity (quick_check)', by: 'SQLite, on the database in place' },
    { bullet: 'Verify position counts match', check: 'position counts match', by: exchange },
    { bullet: 'Check account balances', check: 'account balances', by: exchange },
    { bullet: 'Confirm order states', check: 'order states', by: exchange },
    { bullet: 'Test queries', check: 'test queries (every table read)', by: 'SQLite; and your own `checks:`' },
  ],
}

/**
 * `timeline`: 8 hex digits, where the last good state is looked for; null: on that of the database, whose pages are repaired where that is
 * enough. (No page is repaired by what it was on another timeline.)
 */
export function databaseCorruptionOn(timeline: string | null): Runbook {
  if (timeline === null) return databaseCorruption
  const elsewhere = (step: Step): readonly Step[] => (step === repairPages ? [] : [step === findLastGood ? findLastGoodOn(timeline) : step])
  return { ...databaseCorruption, options: { timeline }, steps: databaseCorruption.steps.flatMap(elsewhere) }
}

/** The command line that begins such a run, and that goes on with it. */
export function executeCommand(options: JsonObject): string {
  const timeline = timelineOption(options)
  return `genesis-dr execute --scenario ${databaseCorruption.scenario}${timeline === null ? '' : ` --timeline ${timeline}`}`
}
