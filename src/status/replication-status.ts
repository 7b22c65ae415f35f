/** How far the replica is behind, and whether anything can have been missed. Reads only. */
import { isDrError, sentenceOf } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { CaptureControl } from '../ports/capture-control.ts'
import { isoTime } from '../units.ts'

export interface ReplicationStatus {
  readonly database: string
  readonly replica: string
  readonly state: 'capturing' | 'attaching' | 'let-go' | 'not-running' | 'unknown'
  readonly because: string
  readonly pid: number | null
  readonly timeline: string | null
  readonly txid: string | null
  /** Age of the oldest commit that is not durable in the replica, ms; null: not known. */
  readonly lagMs: number | null
  /** Commits read and not yet durable; null: not known. */
  readonly pending: number | null
  /** No commit since the capture attached can have been missed; null: not known. */
  readonly continuous: boolean | null
  readonly lastCommitAt: string | null
  readonly walBytes: number | null
  readonly sameDisk: boolean | null
}

export interface CaptureLook {
  /** null: nobody captures. */
  readonly pid: number | null
  readonly control: Pick<CaptureControl, 'position'>
}

export async function replicationStatus(
  database: string,
  replica: string,
  sameDisk: boolean | null,
  look: () => Promise<CaptureLook>,
): Promise<ReplicationStatus> {
  const unknown = {
    database,
    replica,
    pid: null,
    timeline: null,
    txid: null,
    lagMs: null,
    pending: null,
    continuous: null,
    lastCommitAt: null,
    walBytes: null,
    sameDisk,
  }
  try {
    const { pid, control } = await look()
    if (pid === null)
      return { ...unknown, state: 'not-running', because: 'no capture runs: nothing is copied now. Start: genesis-dr replicate' }
    const position = await control.position()
    const wrong =
      position.damage ??
      position.trouble ??
      (position.moved.length > 0 ? `the ${position.moved.join(' and the ')} file was replaced or deleted` : null)
    return {
      ...unknown,
      state: position.state,
      because: wrong ?? 'the capture follows the database',
      pid,
      timeline: position.timeline === '' ? null : position.timeline,
      txid: position.txid === 0 ? null : formatTxid(position.txid),
      lagMs: position.state === 'capturing' ? position.lagMs : null,
      pending: position.state === 'capturing' ? position.pendingCommits : null,
      continuous: position.continuous,
      lastCommitAt: position.lastCommitMs === 0 ? null : isoTime(position.lastCommitMs),
      walBytes: position.walBytes,
    }
  } catch (error) {
    if (!isDrError(error)) throw error
    return { ...unknown, state: 'unknown', because: sentenceOf(error) }
  }
}
