/** A point-in-time recovery by hand, in place: what `recover` runs. It stops and starts nothing, and knows no exchange. */
import { formatTxid } from '../../ltx/txid.ts'
import { isoTime, minutes } from '../../units.ts'
import type { Json, JsonObject } from '../../workflow/record.ts'
import type { PointTarget } from '../choose-point.ts'
import type { Runbook } from '../runbook.ts'
import { drainReplica } from '../steps/drain-replica.ts'
import { findLastGoodOn } from '../steps/find-last-good.ts'
import { preserveEvidence } from '../steps/preserve-evidence.ts'
import { protectAgain } from '../steps/protect-again.ts'
import { releaseLatch } from '../steps/release-latch.ts'
import { requireNobody } from '../steps/require-nobody.ts'
import { restoreDatabase } from '../steps/restore-database.ts'
import { restorePoint } from '../steps/restore-point.ts'
import { validateRecovery } from '../steps/validate-recovery.ts'
import { timelineOption } from './timeline-option.ts'

export const recoverScenario = 'RECOVER'

export interface RecoverOptions {
  /** 8 hex digits; null: the newest complete one and its ancestors. */
  readonly timeline: string | null
  readonly target: PointTarget
}

/** The candidate is restored and checked before the database is moved: a point that cannot be had changes nothing. */
export function recoverInPlace({ timeline, target }: RecoverOptions): Runbook {
  return {
    scenario: recoverScenario,
    title: 'Point-in-time recovery',
    rto: minutes(15),
    rpo: minutes(5),
    automation: 'full',
    options: { timeline, ...encodeTarget(target) },
    detectedWhen: [],
    steps: [
      requireNobody,
      drainReplica,
      target.kind === 'last-good' ? findLastGoodOn(timeline) : restorePoint(timeline, target),
      preserveEvidence,
      restoreDatabase,
      validateRecovery,
      protectAgain,
      releaseLatch,
    ],
    validation: [],
  }
}

function encodeTarget(target: PointTarget): JsonObject {
  if (target.kind === 'txid') return { target: 'txid', txid: formatTxid(target.txid) }
  return target.kind === 'time' ? { target: 'time', time: isoTime(target.epochMs) } : { target: target.kind }
}

/** What the journal of a run says was asked for. */
export function decodeRecoverOptions(options: JsonObject): RecoverOptions {
  const { target, txid, time } = options
  return { timeline: timelineOption(options), target: decodeTarget(target, txid, time) }
}

function decodeTarget(target: Json | undefined, txid: Json | undefined, time: Json | undefined): PointTarget {
  if (target === 'last-good') return { kind: 'last-good' }
  if (target === 'txid' && typeof txid === 'string') return { kind: 'txid', txid: Number.parseInt(txid, 16) }
  if (target === 'time' && typeof time === 'string') return { kind: 'time', epochMs: Date.parse(time) }
  return { kind: 'latest' }
}

/** The command line that began a run, and that goes on with it. */
export function recoverCommand(options: JsonObject): string {
  const { timeline, target } = decodeRecoverOptions(options)
  const words = ['genesis-dr recover']
  if (target.kind === 'last-good') words.push('--last-good')
  if (target.kind === 'txid') words.push(`--txid ${formatTxid(target.txid)}`)
  if (target.kind === 'time') words.push(`--timestamp ${isoTime(target.epochMs)}`)
  if (timeline !== null) words.push(`--timeline ${timeline}`)
  return words.join(' ')
}
