/** Point-in-time recovery by hand: into a file of its own, or in place. It never touches the exchange. */
import { DrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import { planRestore } from '../replica/plan.ts'
import { restoreFile } from '../restore/restore-file.ts'
import { isoTime } from '../units.ts'
import { restoredFacts } from './candidate.ts'
import { checkDatabase } from './check-database.ts'
import { failures } from './check-result.ts'
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
  readonly timeline: string | null
  readonly target: Exclude<PointTarget, { kind: 'last-good' }>
  readonly dryRun: boolean
  readonly settings: RunSettings
  readonly onProgress: (bytesRead: number, bytesTotal: number) => void
}

/**
 * The durable, checked file is at `output`. If we die here: a temporary file beside it may stay, and nothing is at `output`.
 * @throws OUTPUT_EXISTS, POINT_NOT_FOUND, REPLICA_EMPTY, REPLICA_GAP, LTX_DAMAGED, VERIFICATION_FAILED, DISK_FULL
 */
export async function recoverToFile(ports: RunbookPorts, request: RecoverFileRequest): Promise<RecoverReport> {
  const { store, files, outputs, checks, clock } = ports
  const { output, settings } = request
  const began = clock.monotonicMs()
  if ((await files.stat(output)) !== null) throw outputExists(output)
  const notes = await drainIfPossible(ports, settings.database, request)
  const { timeline, target } = await choosePoint(store, request.timeline, request.target)
  const plan = planRestore(timeline.files, target)
  const base = { output, timeline: timeline.number, txid: formatTxid(plan.txid), dryRun: request.dryRun, next: afterRecover }
  if (request.dryRun) {
    const bytesRead = plan.files.reduce((sum, file) => sum + file.sizeBytes, 0)
    const timestamp = isoTime(plan.files.at(-1)?.timestampMs ?? 0)
    const nothing = { pages: 0, sizeBytes: 0, verified: [], durationMs: clock.monotonicMs() - began }
    return { ...base, ...nothing, timestamp, filesRead: plan.files.length, bytesRead, notes: [...notes, 'dry run: nothing was written'] }
  }
  const temporary = `${output}.restoring`
  await files.removeTemporary(temporary)
  const restored = await restoreFile(store, plan, outputs, temporary, ({ bytesRead, bytesTotal }) =>
    request.onProgress(bytesRead, bytesTotal),
  )
  const wrong = failures(await checkDatabase(checks, temporary, 'alone', settings))
  if (wrong !== '') {
    await files.removeTemporary(temporary)
    throw new DrError('VERIFICATION_FAILED', {
      what: `${base.txid} was restored but does not pass: ${wrong}`,
      untouched: 'The file was removed; nothing else was touched.',
      next: 'Restore another point, or let genesis-dr recover --last-good find one.',
    })
  }
  await files.place(temporary, output, await files.stat(settings.database))
  const { pages, sizeBytes, filesRead, bytesRead, verified } = restoredFacts(restored, settings)
  const timestamp = isoTime(restored.timestampMs)
  return { ...base, timestamp, pages, sizeBytes, filesRead, bytesRead, verified, notes, durationMs: clock.monotonicMs() - began }
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
async function drainIfPossible(ports: RunbookPorts, database: string, { target, dryRun }: RecoverFileRequest): Promise<readonly string[]> {
  if (dryRun || target.kind !== 'latest' || (await ports.files.stat(database)) === null) return []
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
