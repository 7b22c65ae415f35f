/** Point-in-time recovery by hand: into a file of its own, or in place. It never touches the exchange. */
import { DrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import { chooseTimeline, readCatalogue } from '../replica/catalogue.ts'
import { planRestore } from '../replica/plan.ts'
import type { Restored } from '../restore/restore-file.ts'
import { isoTime } from '../units.ts'
import { restoreCandidate, restoredFacts, restoreLastGood } from './candidate.ts'
import { choosePoint, type PointTarget } from './choose-point.ts'
import { strangersOn } from './holders.ts'
import type { RunFacts } from './run-facts.ts'
import type { RunbookPorts, RunSettings } from './runbook.ts'

export interface RecoverReport {
  readonly output: string
  readonly timeline: string | null
  readonly txid: string
  readonly timestamp: string
  readonly pages: number
  readonly sizeBytes: number
  readonly filesRead: number
  readonly bytesRead: number
  readonly durationMs: number
  /** What was proven, each with how; empty in a dry run. */
  readonly verified: readonly string[]
  readonly dryRun: boolean
  /** In place: where the former database is. */
  readonly evidence?: string
  readonly lostTransactions?: number | null
  readonly notes: readonly string[]
  readonly next: string
}

/** Chosen words: the exchange is compared by hand until it can be configured. */
export const afterRecover = 'Compare positions and open orders with the exchange before the bot trades on this database.'

export interface RecoverFileRequest {
  readonly output: string
  /** Where the file is restored to until it has passed: beside `output`, and of nobody else. */
  readonly temporary: string
  readonly timeline: string | null
  readonly target: PointTarget
  readonly settings: RunSettings
  readonly progress: (text: string) => void
}

/**
 * The durable, checked file is at `output`. If we die here: the temporary file may stay, and nothing is at `output`.
 * @throws OUTPUT_EXISTS, POINT_NOT_FOUND, REPLICA_EMPTY, REPLICA_GAP, LTX_DAMAGED, VERIFICATION_FAILED, NO_GOOD_POINT, DISK_FULL
 */
export async function recoverToFile(ports: RunbookPorts, request: RecoverFileRequest): Promise<RecoverReport> {
  const { files, clock } = ports
  const { output, settings, temporary } = request
  const began = clock.monotonicMs()
  if ((await files.stat(output)) !== null) throw outputExists(output)
  const notes = await drainIfPossible(ports, settings.database, request.target)
  const { timeline, restored } = await restoreTarget(ports, request)
  await files.place(temporary, output, await files.stat(settings.database))
  const { pages, sizeBytes, filesRead, bytesRead, verified } = restoredFacts(restored, settings)
  return {
    output,
    timeline,
    txid: formatTxid(restored.txid),
    timestamp: isoTime(restored.timestampMs),
    pages,
    sizeBytes,
    filesRead,
    bytesRead,
    verified,
    notes,
    durationMs: clock.monotonicMs() - began,
    dryRun: false,
    next: afterRecover,
  }
}

/** What passes all checks stands under the temporary name. */
async function restoreTarget(
  ports: RunbookPorts,
  request: RecoverFileRequest,
): Promise<{ readonly timeline: string | null; readonly restored: Restored }> {
  const { target, temporary } = request
  if (target.kind === 'last-good') {
    const timeline = chooseTimeline(await readCatalogue(ports.store), request.timeline)
    return { timeline: timeline.number, restored: (await restoreLastGood(ports, request, timeline, temporary)).restored }
  }
  const chosen = await choosePoint(ports.store, request.timeline, target)
  const { txid } = planRestore(chosen.timeline.files, chosen.target)
  const { verdict, restored } = await restoreCandidate(ports, request, chosen.timeline, txid, temporary)
  if (verdict.good && restored !== null) return { timeline: chosen.timeline.number, restored }
  await ports.files.removeTemporary(temporary)
  throw new DrError('VERIFICATION_FAILED', {
    what: `${formatTxid(txid)} does not pass: ${verdict.because}`,
    untouched: 'What was restored of it was removed; nothing else was touched.',
    next: 'Restore another point, or let genesis-dr recover --last-good find one.',
  })
}

/** What `recover` would do: the plan is made from what is really there, and nothing is written. */
export async function foreseeRecovery(
  { store, files, clock }: RunbookPorts,
  request: Omit<RecoverFileRequest, 'temporary' | 'progress'>,
): Promise<RecoverReport> {
  const { output, settings } = request
  const began = clock.monotonicMs()
  if (output !== settings.database && (await files.stat(output)) !== null) throw outputExists(output)
  const { target } = request
  const chosen = await choosePoint(store, request.timeline, target.kind === 'last-good' ? { kind: 'latest' } : target)
  const plan = planRestore(chosen.timeline.files, chosen.target)
  return {
    output,
    timeline: chosen.timeline.number,
    txid: formatTxid(plan.txid),
    timestamp: isoTime(plan.files.at(-1)?.timestampMs ?? 0),
    pages: 0,
    sizeBytes: 0,
    filesRead: plan.files.length,
    bytesRead: plan.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    verified: [],
    notes: [
      'dry run: nothing was written',
      ...(target.kind === 'last-good' ? ['an earlier point would be taken if this one does not pass'] : []),
    ],
    durationMs: clock.monotonicMs() - began,
    dryRun: true,
    next: afterRecover,
  }
}

/** What a finished in-place run says. */
export function reportOfRun(facts: Partial<RunFacts>, durationMs: number): RecoverReport | null {
  const { chosen, restored, evidence } = facts
  if (chosen === undefined || restored === undefined) return null
  return {
    output: restored.path,
    timeline: chosen.timeline,
    txid: formatTxid(chosen.txid),
    timestamp: isoTime(chosen.timestampMs),
    pages: chosen.pages,
    sizeBytes: chosen.sizeBytes,
    filesRead: chosen.filesRead,
    bytesRead: chosen.bytesRead,
    durationMs,
    verified: chosen.verified,
    dryRun: false,
    ...(evidence === undefined ? {} : { evidence: evidence.folder }),
    lostTransactions: chosen.lostTransactions,
    notes: [chosen.lossBecause],
    next: afterRecover,
  }
}

/** The newest commits are only in the replica once it is drained; where that cannot be done safely, it is said. */
async function drainIfPossible(ports: RunbookPorts, database: string, target: PointTarget): Promise<readonly string[]> {
  if (target.kind === 'txid' || target.kind === 'time' || (await ports.files.stat(database)) === null) return []
  const { pid, control } = await ports.capture.reach()
  if (pid === null) {
    const strangers = await strangersOn(ports, database)
    if (strangers.processes.length > 0 || !strangers.complete) {
      return ['no capture runs and the database is in use: what was committed since the last capture is not in this file']
    }
  }
  const drained = await control.drain()
  return drained.complete ? [] : [`more may have been committed: ${drained.because}`]
}

function outputExists(output: string): DrError {
  return new DrError('OUTPUT_EXISTS', {
    what: `there is something at ${output} already`,
    untouched: 'It was not touched, and nothing was restored.',
    next: 'Give another --output.',
  })
}
