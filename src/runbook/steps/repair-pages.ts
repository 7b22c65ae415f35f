/** Where only pages rotted, whose content the replica has, nothing has to be given up: they are replaced in a copy, and the whole is proven. */
import { isDrError, sentenceOf } from '../../errors.ts'
import { decodeRestorePoint } from '../../ltx/restore-point.ts'
import { formatTxid } from '../../ltx/txid.ts'
import { chooseTimeline, readCatalogue } from '../../replica/catalogue.ts'
import { findPages } from '../../replica/find-pages.ts'
import type { RestorePlan } from '../../replica/plan.ts'
import { planRestore } from '../../replica/plan.ts'
import { sumsOfPoint } from '../../replica/point-sums.ts'
import { readHeader } from '../../replica/read-object.ts'
import { baseAtRest, readPage, scanPages } from '../../replication/base-scan.ts'
import { type Repaired, repairFile } from '../../restore/repair-file.ts'
import type { Restored } from '../../restore/restore-file.ts'
import { counted } from '../../units.ts'
import { type DatabaseHeader, decodeDatabaseHeader } from '../../wal/database-header.ts'
import { restoredFacts, temporaryName } from '../candidate.ts'
import { checkDatabase } from '../check-database.ts'
import { failures } from '../check-result.ts'
import { nothingLost, onTop } from '../count-loss.ts'
import { pageList } from '../page-list.ts'
import type { RunFacts } from '../run-facts.ts'
import { type RunbookPorts, type Scope, type StepResult, step } from '../runbook.ts'
import { asidePath, untilSetAside } from '../set-aside.ts'

type Ports = Pick<RunbookPorts, 'store' | 'files' | 'outputs' | 'checks' | 'clock' | 'resting' | 'keptSums'>

const skipped = (because: string): StepResult => ({ outcome: 'skipped', because, evidence: {} })

export const repairPages = step({
  name: 'repair-pages',
  phase: 'recovery',
  title: 'Repair damaged pages',
  does: 'Compares every page of the set-aside database with its checksum as of the last commit. Where some rotted, makes a copy with their content of the replica, verifies the whole by its rolling checksum and all checks, and gives nothing up. Otherwise the last good point is searched for.',
  effect: {
    kind: 'idempotent',
    because: 'It reads what was set aside, and works on a temporary file of this run only, which it makes anew.',
  },
  undo: { does: 'Remove the temporary file; nothing else was touched.' },
  needs: ['store', 'files', 'outputs', 'checks', 'clock', 'resting', 'keptSums'],
  expired: untilSetAside,
  async foresee() {
    return skipped('would compare every page with what was committed, and replace those that rotted')
  },
  async act(ports, scope) {
    const { files, checks } = ports
    const temporary = temporaryName(scope)
    await files.removeTemporary(temporary)
    const found = await repair(ports, scope, temporary)
    if (typeof found === 'string') return giveUp(ports, temporary, found)
    if ('unseen' in found) return { ...(await giveUp(ports, temporary, found.unseen)), evidence: { unseen: { because: found.unseen } } }
    const { replaced, restored, kept } = found
    scope.progress(`checking the copy with ${pageList(replaced)} replaced`)
    const results = await checkDatabase(checks, temporary, 'alone', scope.settings)
    const wrong = failures(results)
    if (wrong !== '') return giveUp(ports, temporary, `with ${pageList(replaced)} replaced it still does not pass: ${wrong}`)
    const chosen = { ...kept, temporary, ...restoredFacts(restored, results) }
    const because = `${pageList(replaced)} of the database ${replaced.length === 1 ? 'was' : 'were'} not what was committed; with the content of the replica the copy is ${formatTxid(chosen.txid)}, by its rolling checksum; ${chosen.lossBecause}`
    return { outcome: 'done', because, evidence: { chosen, repaired: { pages: replaced } } }
  },
})

async function giveUp({ files }: Ports, temporary: string, because: string): Promise<StepResult> {
  await files.removeTemporary(temporary)
  return skipped(because)
}

/** A repaired copy, which no check was made of yet. */
interface Kept {
  readonly replaced: readonly number[]
  readonly restored: Restored
  readonly kept: Omit<RunFacts['chosen'], 'temporary' | keyof ReturnType<typeof restoredFacts>>
}

/**
 * The repaired copy stands under the temporary name; or why it cannot be repaired so, and anything may stand there. `unseen`: what differs is no
 * rot but was committed by somebody whom the capture did not see.
 */
async function repair(
  { store, outputs, clock, resting, keptSums }: Ports,
  { facts, settings, progress }: Scope,
  temporary: string,
): Promise<Kept | { readonly unseen: string } | string> {
  const { drained, evidence } = facts
  if (drained === undefined || evidence === undefined) return 'the database was not drained and set aside'
  if (!drained.complete) return `what every page must be is not known: ${drained.because}`
  if (drained.timeline === '') return 'the replica was written by Litestream, which notes no checksum of the database'
  const opened = resting.open(asidePath(evidence.folder, settings.database))
  if (opened === null) return 'there is no file whose pages could be compared'
  try {
    const timeline = chooseTimeline(await readCatalogue(store), drained.timeline)
    if (timeline.latestTxid < drained.txid)
      return `the replica was written up to ${formatTxid(drained.txid)}, and its files end at ${formatTxid(timeline.latestTxid)}`
    const plan = planRestore(timeline.files, { txid: drained.txid })
    const last = plan.files.at(-1)
    const header = last === undefined ? null : await readHeader(store, last.key)
    const rolling = header === null ? null : (decodeRestorePoint(header.reserved)?.postApply ?? null)
    if (header === null || rolling === null) return 'the replica notes no checksum of the database'
    const { pageSize, timestampMs } = header
    const base = baseAtRest(opened.bytes, pageSize)
    if (base?.pageSize !== pageSize) return `its log has pages of ${base?.pageSize} bytes, and the replica of ${pageSize}`
    progress('comparing every page with what was committed')
    const { sums } = await sumsOfPoint(store, timeline, { txid: drained.txid, rolling }, keptSums)
    const truth = { sums, plan, pageSize }
    const { replaced, file, of } = await repairFile(store, truth, scanPages(opened.bytes, base), outputs, temporary, () => clock.sleep(0))
    const past = replaced.includes(1) ? await committedPast(store, plan, () => readPage(opened.bytes, base, 1)) : null
    if (past !== null) return { unseen: past }
    if (file === null) return unrepaired({ replaced, of })
    const restored = {
      ...file,
      pageSize,
      pages: of,
      timestampMs,
      rolling,
      txid: drained.txid,
      sum: sums.rolling,
      verified: ['checksum of every page', 'rolling checksum of the whole database'],
    }
    return {
      replaced,
      restored,
      kept: { timeline: timeline.number, txid: drained.txid, timestampMs, looked: [], notes: [], ...onTop(nothingLost, facts) },
    }
  } catch (error) {
    // The copy is damaged there too, or has a gap: an older point may be whole. A store that is away or a full disk is no answer.
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    return sentenceOf(error)
  } finally {
    opened.close()
  }
}

/** SQLite counts in the first page, and never down: a higher count than was ever captured is of commits that were not. null: it is none. */
async function committedPast(store: Ports['store'], plan: RestorePlan, readFirst: () => Uint8Array): Promise<string | null> {
  const known = (await findPages(store, plan, new Set([1]))).get(1)
  const [then, now] = [known === undefined ? null : decodeDatabaseHeader(known.content), headerOf(readFirst)]
  // `pages` is known where the count stands twice and is the same: rot changes one of the two places.
  if (then === null || now === null || now.changeCounter <= then.changeCounter || now.pages === null) return null
  return `the database counts ${now.changeCounter - then.changeCounter} changes that are not in the replica: somebody committed to it past the capture`
}

/** null: the disk does not give it, or it is no header. */
function headerOf(readFirst: () => Uint8Array): DatabaseHeader | null {
  try {
    return decodeDatabaseHeader(readFirst())
  } catch (error) {
    if (isDrError(error) && error.kind === 'damaged') return null
    throw error
  }
}

function unrepaired({ replaced, of }: Pick<Repaired, 'replaced' | 'of'>): string {
  return replaced.length === 0
    ? 'every page is what was committed, as file and log have it together: none has to be replaced; what is wrong beyond that, if anything is, was committed'
    : `${replaced.length} of ${counted(of, 'page')} are not what was committed: a restore of the whole is the shorter way`
}
