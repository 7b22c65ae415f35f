/** The newest restore point that is sound: restored beside the database and looked at, newest first. */
import { formatTxid } from '../../ltx/txid.ts'
import { chooseTimeline, reachablePoints, readCatalogue } from '../../replica/catalogue.ts'
import { planRestore } from '../../replica/plan.ts'
import { formatBytes, isoTime } from '../../units.ts'
import { countLoss, restoredFacts, restoreLastGood, temporaryName } from '../candidate.ts'
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
    const newest = reachablePoints(timeline).at(-1)
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
    const temporary = temporaryName(scope)
    const { point, restored, looked } = await restoreLastGood(ports, scope, timeline, temporary)
    const loss = await countLoss(ports.store, timeline, point, drained)
    return {
      outcome: 'done',
      because: `${formatTxid(point.maxTxid)} of ${isoTime(restored.timestampMs)} passes (${looked.length} looked at); ${loss.lossBecause}`,
      evidence: {
        chosen: {
          timeline: timeline.number,
          txid: point.maxTxid,
          timestampMs: restored.timestampMs,
          ...loss,
          looked,
          temporary,
          ...restoredFacts(restored, scope.settings),
        },
      },
    }
  },
})
