/** The restore point that a person asked for, restored beside the database and checked. */
import { formatTxid } from '../../ltx/txid.ts'
import { counted, formatBytes, isoTime } from '../../units.ts'
import { chosenFacts, restoreChosen, temporaryName } from '../candidate.ts'
import { choosePoint, drainedTimeline, type PointTarget } from '../choose-point.ts'
import { step } from '../runbook.ts'
import { untilSetAside } from '../set-aside.ts'

/** `number`: of a timeline; null: the newest. */
export function restorePoint(number: string | null, target: PointTarget) {
  return step({
    name: 'restore-point',
    phase: 'recovery',
    title: 'Restore to point before loss',
    does: `Restores ${describe(target)}${number === null ? '' : ` of timeline ${number}`} to a new file beside the database and checks it (file checksums, rolling checksum, SQLite, your checks).`,
    effect: { kind: 'idempotent', because: 'It works on a temporary file of this run only, which it makes anew.' },
    undo: { does: 'Remove the temporary file; nothing else was touched.' },
    needs: ['store', 'files', 'outputs', 'checks'],
    // Before the database is set aside, what it is counted against may have grown.
    expired: untilSetAside,
    async foresee({ store }) {
      const { plan } = await choosePoint(store, number, target)
      const because = `would restore ${formatTxid(plan.txid)} from ${counted(plan.files.length, 'file')} (${formatBytes(plan.sizeBytes)})`
      return { outcome: 'skipped', because, evidence: {} }
    },
    async act(ports, scope) {
      const temporary = temporaryName(scope)
      // A point that is named is looked for on the newest timeline and its ancestors; the newest of the database is on its own.
      const ofDatabase = target.kind === 'latest' ? drainedTimeline(scope.facts.drained) : null
      const candidate = await restoreChosen(ports, scope, number ?? ofDatabase, target, temporary)
      const chosen = await chosenFacts(ports.store, scope, candidate, temporary)
      const about = [...chosen.notes, chosen.lossBecause].join('; ')
      const because = `${formatTxid(chosen.txid)} of ${isoTime(chosen.timestampMs)} is restored and passes; ${about}`
      return { outcome: 'done', because, evidence: { chosen } }
    },
  })
}

function describe(target: PointTarget): string {
  if (target.kind === 'txid') return formatTxid(target.txid)
  return target.kind === 'time' ? `the newest point not after ${isoTime(target.epochMs)}` : 'the newest point'
}
