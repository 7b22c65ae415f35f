/** A restore point as a file beside the database: restored, checked, and what choosing it would give up. */
import { isDrError, sentenceOf } from '../errors.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { CatalogueTimeline } from '../replica/catalogue.ts'
import { type ReplicaFile, snapshotLevel } from '../replica/layout.ts'
import { planRestore } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import type { Verdict } from '../restore/last-good.ts'
import { type Restored, restoreFile } from '../restore/restore-file.ts'
import { formatBytes } from '../units.ts'
import { checkDatabase } from './check-database.ts'
import { failures } from './check-result.ts'
import type { RunFacts } from './run-facts.ts'
import type { RunbookPorts, RunSettings, Scope } from './runbook.ts'

export type CandidatePorts = Pick<RunbookPorts, 'store' | 'files' | 'outputs' | 'checks'>

export function temporaryName({ runId, settings }: Pick<Scope, 'runId' | 'settings'>): string {
  return `${settings.database}.restoring-${runId}`
}

export function restoredFacts(restored: Restored, { integrity, checks }: RunSettings) {
  const { pages, sizeBytes, filesRead, bytesRead } = restored
  const own = checks.length === 0 ? [] : [`${checks.length} checks of yours`]
  const verified = [...restored.verified, `${integrity}_check of SQLite`, 'every table read', ...own]
  return { sum: restored.sum.toString(16).padStart(16, '0'), pages, sizeBytes, filesRead, bytesRead, verified }
}

/** Makes the temporary file anew. `restored` null: it could not be restored because the copy is damaged. */
export async function restoreCandidate(
  { store, files, outputs, checks }: CandidatePorts,
  scope: Scope,
  timeline: CatalogueTimeline,
  point: ReplicaFile,
  temporary: string,
): Promise<{ readonly verdict: Verdict; readonly restored: Restored | null }> {
  await files.removeTemporary(temporary)
  try {
    const plan = planRestore(timeline.files, { txid: point.maxTxid })
    const restored = await restoreFile(store, plan, outputs, temporary, ({ bytesRead, bytesTotal }) =>
      scope.progress(`restoring ${formatTxid(point.maxTxid)}: ${formatBytes(bytesRead)} of ${formatBytes(bytesTotal)}`),
    )
    const wrong = failures(await checkDatabase(checks, temporary, 'alone', scope.settings))
    return { verdict: { good: wrong === '', because: wrong === '' ? 'passes all checks' : wrong }, restored }
  } catch (error) {
    // A damaged copy is an answer about this point; a store that is away or a full disk is not.
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    return { verdict: { good: false, because: sentenceOf(error) }, restored: null }
  }
}

/** What the replica has beyond the chosen point is what is given up, by the counts in its own files. */
export async function countLoss(
  store: ObjectStore,
  timeline: string | null,
  points: readonly ReplicaFile[],
  good: ReplicaFile,
  drained: RunFacts['drained'] | undefined,
): Promise<Pick<RunFacts['chosen'], 'lostTransactions' | 'dataLossMs' | 'lossBecause'>> {
  const unknown = (lossBecause: string) => ({ lostTransactions: null, dataLossMs: null, lossBecause })
  if (drained === undefined) return unknown('what was lost is not known: the replica was not drained')
  if (drained.timeline !== (timeline ?? '')) return unknown(`what was lost is not known: the database was on timeline ${drained.timeline}`)
  if (!drained.complete) return unknown(`what was lost is not known: ${drained.because}`)
  const given = points.filter((point) => point.maxTxid > good.maxTxid)
  const newest = given.at(-1)
  if (newest === undefined) return { lostTransactions: 0, dataLossMs: 0, lossBecause: 'no committed transaction is lost' }
  let lost = 0
  for (const point of given) {
    const facts = decodeRestorePoint((await readHeader(store, point.key)).reserved)
    if (facts === null || point.level === snapshotLevel) return unknown(`${point.key} does not say how many commits it holds`)
    lost += facts.commits
  }
  const dataLossMs = Math.max(0, newest.timestampMs - good.timestampMs)
  return { lostTransactions: lost, dataLossMs, lossBecause: `${lost} transactions after it are given up` }
}
