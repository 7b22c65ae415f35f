/** The candidate that passed takes the name of the database, with its owner, group and mode. */
import { DrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import { formatBytes } from '../../units.ts'
import { factOf } from '../run-facts.ts'
import { step } from '../runbook.ts'

export const restoreDatabase = step({
  name: 'restore-database',
  phase: 'recovery',
  title: 'Perform point-in-time recovery',
  does: 'Gives the checked file the owner, group and mode of the old database and links it to its name, which must be free.',
  effect: {
    kind: 'idempotent',
    because: 'If the file stands at its name already and the temporary one is gone, it was placed; anything else at that name is refused.',
  },
  undo: { does: 'Move the restored file away and rename the evidence back.' },
  needs: ['files', 'unfinished'],
  async foresee(_ports, { settings }) {
    return { outcome: 'skipped', because: `would put the checked file in place of ${settings.database}`, evidence: {} }
  },
  async act({ files, unfinished }, { runId, facts, settings, interrupted }) {
    const chosen = factOf(facts, 'chosen')
    const { owner } = factOf(facts, 'evidence')
    const { database } = settings
    const waiting = await files.stat(chosen.temporary)
    const standing = await files.stat(database)
    // Placing is a link and then an unlink: after a crash between them both names are the same file.
    const placed = standing !== null && interrupted && (waiting === null || waiting.inode === standing.inode)
    if (!placed) {
      if (waiting === null) {
        throw new DrError('STEP_FAILED', {
          what: `the restored file ${chosen.temporary} is gone`,
          untouched: 'The evidence is kept; nothing was put in place of the database.',
          next: 'Start over: give the same command again.',
        })
      }
      const { timeline, txid, lostTransactions, dataLossMs } = chosen
      const kept = (await unfinished.read()) ?? { evidence: [], owner }
      await unfinished.write({ ...kept, runId, restored: { timeline, txid }, lostTransactions, dataLossMs })
      await files.place(chosen.temporary, database, owner === null ? null : { ...waiting, ...owner })
    } else if (waiting !== null) await files.removeTemporary(chosen.temporary)
    const standingNow = await files.stat(database)
    if (standingNow === null || standingNow.sizeBytes !== chosen.sizeBytes) {
      throw new DrError('VERIFICATION_FAILED', {
        what: `${database} has ${standingNow?.sizeBytes ?? 'no'} bytes after it was put in place, ${chosen.sizeBytes} were restored`,
        untouched: 'The evidence is kept; the bot stays stopped.',
        next: 'Find out who wrote to that path, then start over.',
      })
    }
    return {
      outcome: 'done',
      because: `${database} is the database of ${formatTxid(chosen.txid)} (${formatBytes(chosen.sizeBytes)})`,
      evidence: { restored: { path: database, inode: standingNow.inode, sizeBytes: standingNow.sizeBytes, sum: chosen.sum } },
    }
  },
})
