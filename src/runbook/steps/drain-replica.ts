/** Everything that was committed becomes durable in the replica, before anything is moved. */
import { DrError, isDrError } from '../../errors.ts'
import { formatTxid } from '../../ltx/txid.ts'
import type { DrainOutcome } from '../../ports/capture-control.ts'
import type { ObjectStore } from '../../ports/object-store.ts'
import { readCatalogue } from '../../replica/catalogue.ts'
import { type CaptureAccess, type RunbookPorts, step } from '../runbook.ts'
import { untilSetAside } from '../set-aside.ts'

export const drainReplica = step({
  name: 'drain-replica',
  phase: 'immediate',
  title: 'Copy what is committed, before anything is moved',
  does: 'Asks the capture to publish everything committed; where no capture runs, reads the rest of the log from the file at rest. Looks that the replica takes the timeline of a restored database: otherwise nothing is moved.',
  effect: { kind: 'idempotent', because: 'What is published already is found published.' },
  undo: { none: 'The replica only grows.' },
  needs: ['capture', 'files', 'store', 'clock'],
  expired: untilSetAside,
  async foresee({ capture }) {
    const { pid, control } = await capture.reach()
    if (pid === null)
      return { outcome: 'skipped', because: 'no capture runs; would read what the log holds beyond the replica', evidence: {} }
    const position = await control.position()
    const trouble = position.trouble === null ? '' : `; it says: ${position.trouble}`
    const because = `would drain the capture (process ${pid}), now at ${formatTxid(position.txid)} with ${position.pendingCommits} commits waiting${trouble}`
    return { outcome: 'skipped', because, evidence: {} }
  },
  async act({ capture, store, clock }) {
    const { pid, drained } = await drainedTwice({ capture, clock, store })
    // A replica that Litestream wrote is read only.
    if (drained.timeline !== '') await requireWritable(store)
    const older = await capture.older()
    const at = `the replica ends at ${formatTxid(drained.txid)} of timeline ${drained.timeline}`
    const by = pid === null ? 'read from the files at rest' : `by the capture (process ${pid})`
    return {
      outcome: 'done',
      because: drained.complete ? `${at}, ${by}: ${drained.because}` : `${at}; more may have been committed: ${drained.because}`,
      evidence: { drained, ...(older.length === 0 ? {} : { older }) },
      ...(drained.complete ? {} : { notProven: ['nothing newer than the replica was lost'] }),
    }
  },
})

/** What is restored and cannot be protected would trade, or wait, without a copy; and what waits to be copied would be given up. */
async function requireWritable(store: ObjectStore): Promise<void> {
  try {
    await store.requireWritable()
  } catch (error) {
    if (!isDrError(error)) throw error
    throw new DrError(error.code, {
      what: `nothing new can be written to the replica, so that a restored database could not be protected: ${error.message}`,
      untouched: 'The database is in its place, with all that was committed to it; the bot stays stopped.',
      next: 'Mend that (free space, mount it for writing), then give the same command again. genesis-dr recover --output FILE restores beside.',
      cause: error,
    })
  }
}

/** Chosen: a capture that found files of the replica gone attaches anew within it, and copies what is lacking before it answers again. */
const againMs = 1000

interface Drained {
  readonly pid: number | null
  readonly drained: DrainOutcome
}

/** Once more where it was not complete and a capture may mend that; what it says is held against the files that are there. */
async function drainedTwice({ capture, clock, store }: Pick<RunbookPorts, 'capture' | 'clock' | 'store'>): Promise<Drained> {
  const first = await heldAgainst(store, await drain(capture))
  if (first.pid === null || first.drained.complete) return first
  await clock.sleep(againMs)
  return heldAgainst(store, await drain(capture))
}

async function heldAgainst(store: ObjectStore, { pid, drained }: Drained): Promise<Drained> {
  const timeline = (await readCatalogue(store)).timelines.find(({ number }) => number === drained.timeline)
  if (timeline === undefined || timeline.latestTxid >= drained.txid) return { pid, drained }
  const because = `the replica was written up to ${formatTxid(drained.txid)}, and its files end at ${formatTxid(timeline.latestTxid)}`
  return { pid, drained: { ...drained, complete: false, because } }
}

/** A capture that cannot read a damaged file ends by itself, maybe right now, and leaves the files to whoever recovers. */
async function drain(capture: CaptureAccess): Promise<Drained> {
  const { pid, control } = await capture.reach()
  try {
    return { pid, drained: await control.drain() }
  } catch (error) {
    const again = pid === null || !isDrError(error) ? null : await capture.reach()
    if (again?.pid !== null) throw error
    return { pid: null, drained: await again.control.drain() }
  }
}
