/** The restore point that a person asked for, restored beside the database and checked. */
import { DrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import { reachablePoints } from '../../replica/catalogue.ts'
import { planRestore } from '../../replica/plan.ts'
import { formatBytes, isoTime } from '../../units.ts'
import { countLoss, restoreCandidate, restoredFacts, temporaryName } from '../candidate.ts'
import { choosePoint, type PointTarget } from '../choose-point.ts'
import { step } from '../runbook.ts'

export function restorePointStep(number: string | null, target: Exclude<PointTarget, { kind: 'last-good' }>) {
  return step({
    name: 'restore-point',
    phase: 'recovery',
    title: 'Restore to point before loss',
    does: `Restores ${describe(number, target)} to a new file beside the database and checks it (file checksums, rolling checksum, SQLite, your checks).`,
    repeat: 'It works on a temporary file of this run only, which it makes anew.',
    undo: 'Remove the temporary file; nothing else was touched.',
    needs: ['store', 'files', 'outputs', 'checks'],
    async foresee({ store }) {
      const chosen = await choosePoint(store, number, target)
      const plan = planRestore(chosen.timeline.files, chosen.target)
      const bytes = plan.files.reduce((sum, file) => sum + file.sizeBytes, 0)
      return {
        outcome: 'skipped',
        because: `would restore ${formatTxid(plan.txid)} from ${plan.files.length} files (${formatBytes(bytes)})`,
        evidence: {},
      }
    },
    async act(ports, scope) {
      const chosen = await choosePoint(ports.store, number, target)
      const plan = planRestore(chosen.timeline.files, chosen.target)
      const point = reachablePoints(chosen.timeline).find((one) => one.maxTxid === plan.txid)
      const temporary = temporaryName(scope)
      const { verdict, restored } =
        point === undefined ? noSuch : await restoreCandidate(ports, scope, chosen.timeline, point.maxTxid, temporary)
      if (point === undefined || restored === null || !verdict.good) {
        await ports.files.removeTemporary(temporary)
        throw new DrError('VERIFICATION_FAILED', {
          what: `${formatTxid(plan.txid)} was restored but does not pass: ${verdict.because}`,
          untouched: 'The database is where it was; the restored file was removed.',
          next: 'Restore another point, or let genesis-dr recover --last-good find one.',
        })
      }
      const loss = await countLoss(ports.store, chosen.timeline, point, scope.facts.drained)
      return {
        outcome: 'done',
        because: `${formatTxid(plan.txid)} of ${isoTime(restored.timestampMs)} is restored and passes; ${loss.lossBecause}`,
        evidence: {
          chosen: {
            timeline: chosen.timeline.number,
            txid: plan.txid,
            timestampMs: restored.timestampMs,
            ...loss,
            looked: [{ txid: plan.txid, ...verdict }],
            temporary,
            ...restoredFacts(restored, scope.settings),
          },
        },
      }
    },
  })
}

const noSuch = { verdict: { good: false, because: 'it is not a restore point' }, restored: null }

function describe(number: string | null, target: PointTarget): string {
  const on = number === null ? '' : ` of timeline ${number}`
  if (target.kind === 'txid') return `${formatTxid(target.txid)}${on}`
  return target.kind === 'time' ? `the newest point not after ${isoTime(target.epochMs)}${on}` : `the newest point${on}`
}
