/** The newest restore point that is sound: restored beside the database and looked at, newest first. */
import { DrError, isDrError, sentenceOf } from '../../errors.ts'
import { decodeRestorePoint } from '../../ltx/restore-point.ts'
import { formatTxid } from '../../ltx/txid.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { type CatalogueTimeline, chooseTimeline, readCatalogue } from '../../replica/catalogue.ts'
import { type ReplicaFile, snapshotLevel } from '../../replica/layout.ts'
import { planRestore, restorePoints } from '../../replica/plan.ts'
import { readHeader } from '../../replica/read-object.ts'
import { findLastGood as search, type Verdict } from '../../restore/last-good.ts'
import { type Restored, restoreFile } from '../../restore/restore-file.ts'
import { formatBytes, isoTime } from '../../units.ts'
import { checkDatabase } from '../check-database.ts'
import { failures } from '../check-result.ts'
import type { RunFacts } from '../run-facts.ts'
import { type RunbookPorts, type Scope, step } from '../runbook.ts'

type Ports = Pick<RunbookPorts, 'store' | 'files' | 'outputs' | 'checks'>

export const findLastGood = step({
  name: 'find-last-good',
  phase: 'recovery',
  title: 'Identify last known good backup',
  does: 'Restores the newest restore point to a new file beside the database, checks it (file checksums, rolling checksum, SQLite, your checks), and goes back until one passes.',
  repeat: 'It works on a temporary file of this run only, which it makes anew.',
  undo: 'Remove the temporary file; nothing else was touched.',
  needs: ['store', 'files', 'outputs', 'checks'],
  async foresee({ store }) {
    const timeline = chooseTimeline(await readCatalogue(store), null)
    const newest = restorePoints(timeline.files).at(-1)
    const { files } = planRestore(timeline.files, 'newest-reachable')
    const bytes = files.reduce((sum, file) => sum + file.sizeBytes, 0)
    const when = newest === undefined ? '' : ` of ${isoTime(newest.timestampMs)}`
    const because = `would restore ${formatTxid(timeline.latestTxid)}${when} from ${files.length} files (${formatBytes(bytes)}) and check it, then earlier ones until one passes`
    return { outcome: 'skipped', because, evidence: {} }
  },
  async act(ports, scope) {
    const { drained } = scope.facts
    const number = drained === undefined || drained.timeline === '' ? null : drained.timeline
    const timeline = chooseTimeline(await readCatalogue(ports.store), number)
    const points = restorePoints(timeline.files).filter((point) => point.maxTxid <= timeline.latestTxid)
    const temporary = temporaryName(scope)
    const last: { restored: Restored | null } = { restored: null }
    const found = await search(points, async (point) => {
      const candidate = await look(ports, scope, timeline, point, temporary)
      last.restored = candidate.restored
      scope.progress(`${formatTxid(point.maxTxid)}: ${candidate.verdict.because}`)
      return candidate.verdict
    })
    const { restored } = last
    if (found.good === null || restored === null) {
      await ports.files.removeTemporary(temporary)
      throw new DrError('NO_GOOD_POINT', {
        what: `none of ${found.looked.length} restore points looked at passes the checks; the newest: ${found.looked[0]?.because ?? 'there is none'}`,
        untouched: 'The evidence is kept; nothing was put in place of the database.',
        next: 'Look at your checks first: one that is wrong fails everywhere. genesis-dr recover --txid --output FILE restores any point for a look.',
      })
    }
    const loss = await countLoss(ports.store, points, found.good, drained)
    return {
      outcome: 'done',
      because: `${formatTxid(found.good.maxTxid)} of ${isoTime(restored.timestampMs)} passes (${found.looked.length} looked at); ${loss.lossBecause}`,
      evidence: {
        chosen: {
          timeline: timeline.number,
          txid: found.good.maxTxid,
          timestampMs: restored.timestampMs,
          ...loss,
          looked: found.looked,
          temporary,
          sum: restored.sum.toString(16).padStart(16, '0'),
          sizeBytes: restored.sizeBytes,
        },
      },
    }
  },
})

export function temporaryName({ runId, settings }: Pick<Scope, 'runId' | 'settings'>): string {
  return `${settings.database}.restoring-${runId}`
}

async function look(
  { store, files, outputs, checks }: Ports,
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
async function countLoss(
  store: ObjectStore,
  points: readonly ReplicaFile[],
  good: ReplicaFile,
  drained: RunFacts['drained'] | undefined,
): Promise<Pick<RunFacts['chosen'], 'lostTransactions' | 'dataLossMs' | 'lossBecause'>> {
  const unknown = (lossBecause: string) => ({ lostTransactions: null, dataLossMs: null, lossBecause })
  if (drained === undefined) return unknown('what was lost is not known: the replica was not drained')
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
