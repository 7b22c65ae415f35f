/** The newest restore point that is sound: restored beside the database and looked at, newest first. */
import { DrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import { chooseTimeline, readCatalogue } from '../../replica/catalogue.ts'
import { planRestore, restorePoints } from '../../replica/plan.ts'
import { findLastGood as search } from '../../restore/last-good.ts'
import type { Restored } from '../../restore/restore-file.ts'
import { formatBytes, isoTime } from '../../units.ts'
import { countLoss, restoreCandidate, restoredFacts, temporaryName } from '../candidate.ts'
import { step } from '../runbook.ts'

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
      const candidate = await restoreCandidate(ports, scope, timeline, point, temporary)
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
    const loss = await countLoss(ports.store, timeline.number, points, found.good, drained)
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
          ...restoredFacts(restored, scope.settings),
        },
      },
    }
  },
})
