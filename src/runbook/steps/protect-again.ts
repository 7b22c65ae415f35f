/** The recovered database is copied again, on a timeline of its own, before the bot may write to it. */
import { DrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import { requireRestored } from '../require-restored.ts'
import { factOf, type RunFacts } from '../run-facts.ts'
import { step } from '../runbook.ts'

export const protectAgain = step({
  name: 'protect-again',
  phase: 'recovery',
  title: 'Protect the recovered database',
  does: 'Begins a new timeline that forks at the restored point, and waits until its first restore point is durable.',
  effect: { kind: 'idempotent', because: 'The same fork is found again and gone on with.' },
  undo: { none: 'A timeline that nobody continues is only history.' },
  needs: ['capture', 'files'],
  async foresee({ capture }) {
    const { pid } = await capture.reach()
    const who =
      pid === null
        ? 'no capture runs: would begin the timeline ourselves'
        : `would ask the capture (process ${pid}) to begin a new timeline`
    return { outcome: 'skipped', because: who, evidence: {}, ...(pid === null ? { notProven: ['continuous copy'] } : {}) }
  },
  async act({ capture, files }, { facts, settings }) {
    await requireRestored({ files }, facts, settings.database)
    const chosen = factOf(facts, 'chosen')
    const { pid, control } = await capture.reach()
    if (chosen.timeline === null) {
      return {
        outcome: 'skipped',
        because: 'the replica was written by Litestream and is never written by us: begin a replica of your own with genesis-dr replicate',
        evidence: {},
        notProven: ['continuous copy'],
      }
    }
    const { timeline, txid } = await control.resume({ timeline: chosen.timeline, txid: chosen.txid })
    if (txid > chosen.txid) throw notRestored(settings.database, chosen.txid, { timeline, txid })
    const because = `timeline ${timeline} begins at ${formatTxid(chosen.txid)} and is durable up to ${formatTxid(txid)}`
    const evidence = { protectedAs: { timeline, txid } }
    if (pid !== null) return { outcome: 'done', because: `${because}; the capture (process ${pid}) follows the database`, evidence }
    return { outcome: 'done', because: `${because}; no capture runs: start genesis-dr replicate`, evidence, notProven: ['continuous copy'] }
  },
})

/** The capture has copied what differs: nothing of it is lost, and it is not what this run proved. */
function notRestored(database: string, restored: number, { timeline, txid }: RunFacts['protectedAs']): DrError {
  return new DrError('VERIFICATION_FAILED', {
    what: `what stands at ${database} is not restore point ${formatTxid(restored)}, which this run put there: what differs was copied as ${formatTxid(txid)} of timeline ${timeline}`,
    untouched: 'It was not touched; the evidence is kept, and the bot stays stopped.',
    next: 'Find out who wrote to it. Then give the same command again: it begins with what stands there.',
  })
}
