/** Point-in-time recovery by hand: into a file of its own, or in place. It never touches the exchange. */
import { DrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import { isoTime } from '../units.ts'
import { restoreChosen, restoredFacts } from './candidate.ts'
import { runUserChecks } from './check-database.ts'
import { type CheckResult, unproven } from './check-result.ts'
import { aboutPoint, choosePoint, drainedTimeline, type PointTarget } from './choose-point.ts'
import { strangersOn } from './holders.ts'
import { companionOf, requireOutputPath } from './output-path.ts'
import { otherReplicaText } from './require-replaceable.ts'
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
const afterRecover = 'Compare positions and open orders with the exchange before the bot trades on this database.'

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
  const { output, settings } = request
  const began = clock.monotonicMs()
  await requireFree(files, output)
  const drained = await drainIfPossible(ports, settings.database, request.target)
  const number = request.timeline ?? drained.timeline
  const { timeline, point, restored, results, notes } = await restoreTo(ports, request, number)
  return report({
    output,
    timeline: timeline.number,
    txid: point.maxTxid,
    timestampMs: restored.timestampMs,
    ...restoredFacts(restored, results),
    notes: [...drained.notes, ...notes, ...unproven(results).map((what) => `not checked: ${what}`)],
    durationMs: clock.monotonicMs() - began,
    dryRun: false,
  })
}

/** What `recover` would do: the plan is made from what is really there, and nothing is written. */
export async function foreseeRecovery(
  { store, files, clock }: RunbookPorts,
  request: Omit<RecoverFileRequest, 'temporary' | 'progress' | 'settings'> & { readonly place: 'in place' | 'new file' },
): Promise<RecoverReport> {
  const { output, place } = request
  const began = clock.monotonicMs()
  if (place === 'new file') await requireFree(files, output)
  const { timeline, plan } = await choosePoint(store, request.timeline, request.target)
  return report({
    output,
    timeline: timeline.number,
    txid: plan.txid,
    timestampMs: plan.files.at(-1)?.timestampMs ?? 0,
    pages: 0,
    sizeBytes: 0,
    filesRead: plan.files.length,
    bytesRead: plan.sizeBytes,
    verified: [],
    notes: [
      'dry run: nothing was written',
      ...(await aboutPoint(store, request.target, timeline, plan.txid)),
      ...(request.target.kind === 'last-good' ? ['an earlier point would be taken if this one does not pass'] : []),
    ],
    durationMs: clock.monotonicMs() - began,
    dryRun: true,
  })
}

/** What a finished in-place run says; null when it did not come so far. */
export function reportOfRun({ chosen, restored, evidence }: Partial<RunFacts>, durationMs: number): RecoverReport | null {
  if (chosen === undefined || restored === undefined) return null
  const { lostTransactions, lossBecause } = chosen
  const inPlace = { ...(evidence === undefined || evidence.files.length === 0 ? {} : { evidence: evidence.folder }), lostTransactions }
  return { ...report({ ...chosen, output: restored.path, notes: [...chosen.notes, lossBecause], durationMs, dryRun: false }), ...inPlace }
}

type Told = Pick<RunFacts['chosen'], 'timeline' | 'txid' | 'timestampMs' | 'pages' | 'sizeBytes' | 'filesRead' | 'bytesRead' | 'verified'>

function report(told: Told & Pick<RecoverReport, 'output' | 'notes' | 'durationMs' | 'dryRun'>): RecoverReport {
  const { output, timeline, txid, timestampMs, pages, sizeBytes, filesRead, bytesRead, verified, notes, durationMs, dryRun } = told
  return {
    output,
    timeline,
    txid: formatTxid(txid),
    timestamp: isoTime(timestampMs),
    pages,
    sizeBytes,
    filesRead,
    bytesRead,
    durationMs,
    verified,
    dryRun,
    notes,
    next: afterRecover,
  }
}

/** Restored, checked and under its name; when that fails, nothing of it stays. */
async function restoreTo(ports: RunbookPorts, request: RecoverFileRequest, number: string | null) {
  const { files, outputs } = ports
  const { output, temporary, target, settings } = request
  try {
    // Whoever names a point wants that one, and is told what does not hold in it; the last good one is where all of it holds.
    const asked = target.kind === 'last-good' ? settings : { ...settings, checks: [] }
    const candidate = await restoreChosen(ports, { ...request, settings: asked }, number, target, temporary)
    const own = target.kind === 'last-good' ? [] : await ownChecks(ports, temporary, settings)
    const standing = await files.stat(settings.database)
    const lost = standing === null ? null : await outputs.whyNotLike(output, standing)
    await files.place(temporary, output, lost === null ? standing : null)
    const alone = lost === null ? [] : [`it belongs to this user alone: ${lost}`]
    return { ...candidate, results: [...candidate.results, ...own], notes: [...candidate.notes, ...alone, ...unheld(own)] }
  } catch (error) {
    await files.removeTemporary(temporary)
    throw error
  }
}

async function ownChecks({ checks }: RunbookPorts, path: string, settings: RunSettings): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = []
  for await (const { error: _, ...result } of runUserChecks(checks, path, 'alone', settings.checks)) results.push(result)
  return results
}

function unheld(own: readonly CheckResult[]): readonly string[] {
  return own
    .filter(({ outcome }) => outcome === 'fail')
    .map(({ check, observed, expected }) => `your check "${check}" does not hold in it: ${observed}, expected ${expected}`)
}

interface Drained {
  /** The one that the capture writes, which is that of the database; null: the newest. */
  readonly timeline: string | null
  readonly notes: readonly string[]
}

/** The newest commits are only in the replica once it is drained; where that cannot be done safely, it is said. */
async function drainIfPossible(ports: RunbookPorts, database: string, target: PointTarget): Promise<Drained> {
  if (target.kind === 'txid' || target.kind === 'time' || (await ports.files.stat(database)) === null) return { timeline: null, notes: [] }
  const other = await ports.capture.otherReplica()
  if (other !== null) {
    return { timeline: null, notes: [`${otherReplicaText(other, ports.store.url)}: what was committed since is not in this file`] }
  }
  const { pid, control } = await ports.capture.reach()
  if (pid === null) {
    const strangers = await strangersOn(ports, database)
    if (strangers.processes.length > 0 || !strangers.complete) {
      const note = 'no capture runs and the database is in use: what was committed since the last capture is not in this file'
      return { timeline: null, notes: [note] }
    }
  }
  const drained = await control.drain()
  const notes = drained.complete ? [] : [`more may have been committed: ${drained.because}`]
  return { timeline: pid === null ? null : drainedTimeline(drained), notes }
}

/** @throws OUTPUT_EXISTS, USAGE where SQLite would take it for a part of another database that is there */
async function requireFree(files: RunbookPorts['files'], output: string): Promise<void> {
  const other = companionOf(output)
  if (other !== null && (await files.stat(other)) !== null) requireOutputPath(output, { database: other, folders: [] })
  if ((await files.stat(output)) === null) return
  throw new DrError('OUTPUT_EXISTS', {
    what: `there is something at ${output} already`,
    untouched: 'It was not touched, and nothing was restored.',
    next: 'Give another --output.',
  })
}
