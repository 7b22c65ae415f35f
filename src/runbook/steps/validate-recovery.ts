/** The mission's validation, on the database that stands in place now. */

import { DrError } from '../../errors.ts'
import { counted } from '../../units.ts'
import { checkDatabase } from '../check-database.ts'
import { failures, unproven } from '../check-result.ts'
import { exchangeChecks, exchangeNotProven } from '../exchange.ts'
import { requireRestored } from '../require-restored.ts'
import { step } from '../runbook.ts'

export const validateRecovery = step({
  name: 'validate-recovery',
  phase: 'validation',
  title: 'Validate recovered data',
  does: 'Runs the integrity check, reads every table, and runs your checks on the database in place.',
  effect: { kind: 'reads', because: 'It only reads.' },
  undo: { none: 'It only reads.' },
  needs: ['checks', 'files'],
  async foresee(_ports, { settings }) {
    return {
      outcome: 'skipped',
      because: `would run ${settings.integrity}_check, read every table and run ${counted(settings.checks.length, 'check')} of yours`,
      evidence: {},
    }
  },
  async act({ checks, files }, { settings, facts }) {
    await requireRestored({ files }, facts, settings.database)
    const ofDatabase = await checkDatabase(checks, settings.database, 'alone', settings)
    const results = [...ofDatabase, ...exchangeChecks]
    const wrong = failures(results)
    if (wrong !== '') {
      throw new DrError('VERIFICATION_FAILED', {
        what: `the restored database fails: ${wrong}`,
        untouched: 'The evidence is kept; the bot stays stopped.',
        next: 'Look at the check that fails; genesis-dr recover --txid restores another point.',
      })
    }
    const ran = results.filter((one) => one.outcome === 'pass').length
    return {
      outcome: 'done',
      because: `${ran} of ${ran} configured checks pass`,
      evidence: { validation: results },
      notProven: [...unproven(ofDatabase), exchangeNotProven],
    }
  },
})
