/** A restore point as a file beside the database: restored, checked, and what choosing it would give up. */
import { must } from '../assert.ts'
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, reachablePoints } from '../replica/catalogue.ts'
import type { ReplicaFile } from '../replica/layout.ts'
import { planRestore } from '../replica/plan.ts'
import { findLastGood, type Search, type Verdict } from '../restore/last-good.ts'
import { type Restored, restoreFile } from '../restore/restore-file.ts'
import { formatBytes } from '../units.ts'
import { checkDatabase } from './check-database.ts'
import { type CheckResult, failures, unproven } from './check-result.ts'
import { aboutPoint, choosePoint, type PointTarget } from './choose-point.ts'
import { countLoss } from './count-loss.ts'
import type { RunFacts } from './run-facts.ts'
import type { RunbookPorts, Scope } from './runbook.ts'

export type CandidatePorts = Pick<RunbookPorts, 'store' | 'files' | 'outputs' | 'checks'>

/** Where the candidates of one run, and of nobody else, are restored to. */
export function temporaryName({ runId, settings }: Pick<Scope, 'runId' | 'settings'>): string {
  return `${settings.database}.genesis-dr-${runId}`
}

/** `results`: of the checks that it passed, by which nothing is called verified that could not be checked. */
export function restoredFacts(restored: Restored, results: readonly CheckResult[]) {
  const { pages, sizeBytes, filesRead, bytesRead } = restored
  const verified = [...restored.verified, ...results.filter(({ outcome }) => outcome === 'pass').map(({ check }) => check)]
  return { sum: restored.sum.toString(16).padStart(16, '0'), pages, sizeBytes, filesRead, bytesRead, verified }
}

type Work = Pick<Scope, 'settings' | 'progress'>

/** Chosen: so many lines tell of one restore, however many files it reads. */
const progressLines = 20

/** Makes the temporary file anew. `restored` null: it could not be restored because the copy is damaged, or has a gap on the way. */
export async function restoreCandidate(
  { store, files, outputs, checks }: CandidatePorts,
  { settings, progress }: Work,
  timeline: CatalogueTimeline,
  txid: number,
  temporary: string,
): Promise<{ readonly verdict: Verdict; readonly restored: Restored | null; readonly results: readonly CheckResult[] }> {
  await files.removeTemporary(temporary)
  try {
    const plan = planRestore(timeline.files, { txid })
    let told = 0
    const restored = await restoreFile(store, plan, outputs, temporary, ({ bytesRead, bytesTotal }) => {
      const share = Math.floor((progressLines * bytesRead) / Math.max(1, bytesTotal))
      if (share === told) return
      told = share
      progress(`restoring ${formatTxid(txid)}: ${formatBytes(bytesRead)} of ${formatBytes(bytesTotal)}`)
    })
    progress(`checking ${formatTxid(txid)}`)
    const results = await checkDatabase(checks, temporary, 'alone', settings)
    const wrong = failures(results)
    const unchecked = unproven(results)
    const passes =
      unchecked.length === 0 ? 'passes all checks' : `passes all checks that can be made here, and not: ${unchecked.join('; ')}`
    return { verdict: { good: wrong === '', because: wrong === '' ? passes : wrong }, restored, results }
  } catch (error) {
    // A damaged copy is an answer about this point; a store that is away or a full disk is not.
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    return { verdict: { good: false, because: sentenceOf(error) }, restored: null, results: [] }
  }
}

export interface Candidate {
  readonly timeline: CatalogueTimeline
  readonly point: ReplicaFile
  readonly restored: Restored
  /** Of its checks. */
  readonly results: readonly CheckResult[]
  readonly looked: Search['looked']
  /** What is to be known of a point that was chosen by its time. */
  readonly notes: readonly string[]
}

/**
 * What was asked for stands, restored and passing all checks, under the temporary name. `number`: of a timeline; null: the newest.
 * @throws as choosePoint; VERIFICATION_FAILED, NO_GOOD_POINT: nothing stands there then
 */
export async function restoreChosen(
  ports: CandidatePorts,
  work: Work,
  number: string | null,
  target: PointTarget,
  temporary: string,
): Promise<Candidate> {
  const { timeline, plan } = await choosePoint(ports.store, number, target)
  if (target.kind === 'last-good') return restoreLastGood(ports, work, timeline, temporary)
  const found = reachablePoints(timeline).find((one) => one.maxTxid === plan.txid)
  const point = must(found, 'a plan ends at a restore point')
  const { verdict, restored, results } = await restoreCandidate(ports, work, timeline, plan.txid, temporary)
  if (verdict.good && restored !== null) {
    const notes = await aboutPoint(ports.store, target, timeline, plan.txid)
    return { timeline, point, restored, results, looked: [{ txid: plan.txid, ...verdict }], notes }
  }
  await ports.files.removeTemporary(temporary)
  throw new DrError('VERIFICATION_FAILED', {
    what: `${formatTxid(plan.txid)} does not pass: ${verdict.because}`,
    untouched: 'What was restored of it was removed; nothing else was touched.',
    next: 'Restore another point, or let genesis-dr recover --last-good find one.',
  })
}

async function restoreLastGood(ports: CandidatePorts, work: Work, timeline: CatalogueTimeline, temporary: string): Promise<Candidate> {
  const last: { restored: Restored | null; results: readonly CheckResult[] } = { restored: null, results: [] }
  const points = reachablePoints(timeline)
  const { good, looked } = await findLastGood(points, async ({ maxTxid }) => {
    const { verdict, ...made } = await restoreCandidate(ports, work, timeline, maxTxid, temporary)
    Object.assign(last, made)
    work.progress(`${formatTxid(maxTxid)}: ${verdict.because}`)
    return verdict
  })
  const { restored, results } = last
  if (good !== null && restored !== null) return { timeline, point: good, restored, results, looked, notes: [] }
  await ports.files.removeTemporary(temporary)
  throw new DrError('NO_GOOD_POINT', {
    what: `none of ${looked.length} restore points looked at (of ${points.length}) passes the checks; the newest: ${looked[0]?.because ?? 'there is none'}`,
    untouched: 'What was set aside is kept; nothing was put in place of the database.',
    next: 'Look at your checks first: one that is wrong fails everywhere. genesis-dr recover --txid N --output FILE restores any point for a look.',
  })
}

/** What later steps and the report need of a candidate. */
export async function chosenFacts(
  store: ObjectStore,
  { facts }: Pick<Scope, 'facts'>,
  { timeline, point, restored, results, looked, notes }: Candidate,
  temporary: string,
): Promise<RunFacts['chosen']> {
  return {
    timeline: timeline.number,
    txid: point.maxTxid,
    timestampMs: restored.timestampMs,
    ...(await countLoss(store, timeline, point, facts)),
    notes,
    looked,
    temporary,
    ...restoredFacts(restored, results),
  }
}
