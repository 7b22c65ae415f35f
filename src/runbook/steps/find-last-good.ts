/** The newest restore point that is sound: restored beside the database and looked at, newest first. */
import { DrError, isDrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import { counted, formatBytes, isoTime } from '../../units.ts'
import { chosenFacts, restoreChosen, temporaryName } from '../candidate.ts'
import { choosePoint, drainedTimeline } from '../choose-point.ts'
import { type Scope, step } from '../runbook.ts'
import { asidePath, untilSetAside } from '../set-aside.ts'

const target = { kind: 'last-good' } as const

/** `number`: of the timeline to look on; null: the one that was drained, which is that of the database. */
export function findLastGoodOn(number: string | null) {
  return step({
    name: 'find-last-good',
    phase: 'recovery',
    title: 'Identify last known good backup',
    does: `Restores the newest restore point${number === null ? '' : ` of timeline ${number}`} to a new file beside the database, checks it (file checksums, rolling checksum, SQLite, your checks), and goes back until one passes.`,
    effect: { kind: 'idempotent', because: 'It works on a temporary file of this run only, which it makes anew.' },
    undo: { does: 'Remove the temporary file; nothing else was touched.' },
    needs: ['store', 'files', 'outputs', 'checks'],
    // Before the database is set aside, what it is counted against may have grown.
    expired: untilSetAside,
    async foresee({ store }) {
      const { plan } = await choosePoint(store, number, target)
      const when = isoTime(plan.files.at(-1)?.timestampMs ?? 0)
      const because = `would restore ${formatTxid(plan.txid)} of ${when} from ${counted(plan.files.length, 'file')} (${formatBytes(plan.sizeBytes)}) and check it, then earlier ones until one passes`
      return { outcome: 'skipped', because, evidence: {} }
    },
    async act(ports, scope) {
      if (scope.facts.repaired !== undefined) {
        return { outcome: 'skipped', because: 'the database was repaired by the page, so that nothing has to be given up', evidence: {} }
      }
      const temporary = temporaryName(scope)
      const candidate = await restoreChosen(ports, scope, number ?? drainedTimeline(scope.facts.drained), target, temporary).catch(
        (error: unknown) => {
          throw withWayBack(error, scope)
        },
      )
      const chosen = await chosenFacts(ports.store, scope, candidate, temporary)
      const because = `${formatTxid(chosen.txid)} of ${isoTime(chosen.timestampMs)} passes (${chosen.looked.length} looked at); ${chosen.lossBecause}`
      return { outcome: 'done', because, evidence: { chosen } }
    },
  })
}

/** The error, with how the database as it was comes back: somebody may find that the checks are wrong, and it was not. */
function withWayBack(error: unknown, { facts, settings }: Scope): unknown {
  const folder = facts.evidence?.folder
  if (!isDrError(error, 'NO_GOOD_POINT') || folder === undefined) return error
  const { message: what, untouched, next } = error
  const back = `With the bot stopped, the database as it was comes back by: mv -n ${asidePath(folder, settings.database)}* ${parentOf(settings.database)}`
  return new DrError('NO_GOOD_POINT', { what, untouched, next: `${next} ${back}`, cause: error })
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1)

export const findLastGood = findLastGoodOn(null)
