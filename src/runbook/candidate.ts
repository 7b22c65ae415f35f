/** A restore point as a file beside the database: restored, checked, and what choosing it would give up. */
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, reachablePoints } from '../replica/catalogue.ts'
import { type ReplicaFile, snapshotLevel } from '../replica/layout.ts'
import { planRestore } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { findLastGood, type Search, type Verdict } from '../restore/last-good.ts'
import { type Restored, restoreFile } from '../restore/restore-file.ts'
import { formatBytes } from '../units.ts'
import { checkDatabase } from './check-database.ts'
import { failures } from './check-result.ts'
import type { RunFacts } from './run-facts.ts'
import type { RunbookPorts, RunSettings, Scope } from './runbook.ts'

export type CandidatePorts = Pick<RunbookPorts, 'store' | 'files' | 'outputs' | 'checks'>

/** Where the candidates of one run, and of nobody else, are restored to. */
export function temporaryName({ runId, settings }: Pick<Scope, 'runId' | 'settings'>): string {
  return `${settings.database}.genesis-dr-${runId}`
}

export function restoredFacts(restored: Restored, { integrity, checks }: RunSettings) {
  const { pages, sizeBytes, filesRead, bytesRead } = restored
  const own = checks.length === 0 ? [] : [`${checks.length} checks of yours`]
  const verified = [...restored.verified, `${integrity}_check of SQLite`, 'every table read', ...own]
  return { sum: restored.sum.toString(16).padStart(16, '0'), pages, sizeBytes, filesRead, bytesRead, verified }
}

type Work = Pick<Scope, 'settings' | 'progress'>

/** Makes the temporary file anew. `restored` null: it could not be restored because the copy is damaged. */
export async function restoreCandidate(
  { store, files, outputs, checks }: CandidatePorts,
  { settings, progress }: Work,
  timeline: CatalogueTimeline,
  txid: number,
  temporary: string,
): Promise<{ readonly verdict: Verdict; readonly restored: Restored | null }> {
  await files.removeTemporary(temporary)
  try {
    const plan = planRestore(timeline.files, { txid })
    const restored = await restoreFile(store, plan, outputs, temporary, ({ bytesRead, bytesTotal }) =>
      progress(`restoring ${formatTxid(txid)}: ${formatBytes(bytesRead)} of ${formatBytes(bytesTotal)}`),
    )
    progress(`checking ${formatTxid(txid)}`)
    const wrong = failures(await checkDatabase(checks, temporary, 'alone', settings))
    return { verdict: { good: wrong === '', because: wrong === '' ? 'passes all checks' : wrong }, restored }
  } catch (error) {
    // A damaged copy is an answer about this point; a store that is away or a full disk is not.
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    return { verdict: { good: false, because: sentenceOf(error) }, restored: null }
  }
}

export interface GoodPoint {
  readonly point: ReplicaFile
  readonly restored: Restored
  readonly looked: Search['looked']
}

/** The newest point that passes stands, restored, under the temporary name. @throws NO_GOOD_POINT; nothing stands there then */
export async function restoreLastGood(
  ports: CandidatePorts,
  work: Work,
  timeline: CatalogueTimeline,
  temporary: string,
): Promise<GoodPoint> {
  const last: { restored: Restored | null } = { restored: null }
  const points = reachablePoints(timeline)
  const found = await findLastGood(points, async ({ maxTxid }) => {
    const { verdict, restored } = await restoreCandidate(ports, work, timeline, maxTxid, temporary)
    last.restored = restored
    work.progress(`${formatTxid(maxTxid)}: ${verdict.because}`)
    return verdict
  })
  const { restored } = last
  if (found.good !== null && restored !== null) return { point: found.good, restored, looked: found.looked }
  await ports.files.removeTemporary(temporary)
  throw new DrError('NO_GOOD_POINT', {
    what: `none of ${found.looked.length} restore points looked at (of ${points.length}) passes the checks; the newest: ${found.looked[0]?.because ?? 'there is none'}`,
    untouched: 'What was set aside is kept; nothing was put in place of the database.',
    next: 'Look at your checks first: one that is wrong fails everywhere. genesis-dr recover --txid N --output FILE restores any point for a look.',
  })
}

/** What the replica has beyond the chosen point is what is given up, by the counts in its own files. */
export async function countLoss(
  store: ObjectStore,
  timeline: CatalogueTimeline,
  good: ReplicaFile,
  drained: RunFacts['drained'] | undefined,
): Promise<Pick<RunFacts['chosen'], 'lostTransactions' | 'dataLossMs' | 'lossBecause'>> {
  const unknown = (why: string) => ({ lostTransactions: null, dataLossMs: null, lossBecause: `what was lost is not known: ${why}` })
  if (drained === undefined) return unknown('the replica was not drained')
  if (drained.timeline !== (timeline.number ?? '')) return unknown(`the database was on timeline ${drained.timeline}`)
  if (!drained.complete) return unknown(drained.because)
  if (drained.txid > timeline.latestTxid) {
    return unknown(`the replica has a gap after ${formatTxid(timeline.latestTxid)}; it was written up to ${formatTxid(drained.txid)}`)
  }
  const given = reachablePoints(timeline).filter((point) => point.maxTxid > good.maxTxid)
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
