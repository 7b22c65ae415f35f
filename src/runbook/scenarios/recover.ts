/** A point-in-time recovery by hand, in place: what `recover` runs. It stops and starts nothing, and knows no exchange. */
import { minutes } from '../../units.ts'
import type { PointTarget } from '../choose-point.ts'
import type { Runbook } from '../runbook.ts'
import { drainReplica } from '../steps/drain-replica.ts'
import { findLastGood } from '../steps/find-last-good.ts'
import { preserveEvidence } from '../steps/preserve-evidence.ts'
import { protectAgain } from '../steps/protect-again.ts'
import { requireNobody } from '../steps/require-nobody.ts'
import { restoreDatabase } from '../steps/restore-database.ts'
import { restorePointStep } from '../steps/restore-point.ts'
import { validateRecovery } from '../steps/validate-recovery.ts'

/** The candidate is restored and checked before the database is moved: a point that cannot be had changes nothing. */
export function recoverInPlace(timeline: string | null, target: PointTarget): Runbook {
  return {
    scenario: 'RECOVER',
    title: 'Point-in-time recovery',
    rto: minutes(15),
    rpo: minutes(5),
    automation: 'full',
    detectedWhen: [],
    steps: [
      requireNobody,
      drainReplica,
      target.kind === 'last-good' ? findLastGood : restorePointStep(timeline, target),
      preserveEvidence,
      restoreDatabase,
      validateRecovery,
      protectAgain,
    ],
    validation: [],
  }
}
