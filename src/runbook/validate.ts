/** Is what we have restorable now: the newest point restored to a scratch file and checked, by the checksum that the live database had too. */
import { DrError, isDrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { VerificationLog } from '../ports/verification-log.ts'
import type { RestorePlan } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { restoreFile } from '../restore/restore-file.ts'
import { formatBytes, isoTime } from '../units.ts'
import type { RunState } from '../workflow/run-state.ts'
import { checkDatabase } from './check-database.ts'
import { type CheckResult, passed, unproven } from './check-result.ts'
import { choosePoint, drainedTimeline } from './choose-point.ts'
import { type DamagedPage, describeDamaged, pagesCheck } from './damaged-pages.ts'
import { exchangeChecks, exchangeNotProven } from './exchange.ts'
import { lookAccess } from './look-access.ts'
import { pageList } from './page-list.ts'
import { otherReplicaText } from './require-replaceable.ts'
import { factsOf } from './run-facts.ts'
import type { RunbookPorts, RunSettings } from './runbook.ts'

export interface ValidateReport {
  readonly success: boolean
  readonly because: string
  /** The restore point that is meant, and its time; null: of a run that came to none. */
  readonly timeline: string | null
  readonly txid: string | null
  readonly timestamp: string | null
  readonly durationMs: number
  readonly validation: readonly CheckResult[]
  readonly notProven: readonly string[]
  /** Of the live database file: pages that are not what was committed. */
  readonly damagedPages: readonly DamagedPage[]
}

/**
 * `scratch`: a path for the temporary file, which is removed at the end. A replica that cannot be restored is a proof that failed, and kept as one.
 * @throws REPLICA_EMPTY, REPLICA_GAP, LTX_DAMAGED, DISK_FULL
 */
export async function validate(
  ports: RunbookPorts,
  verifications: VerificationLog,
  settings: RunSettings,
  scratch: string,
): Promise<ValidateReport> {
  const { clock, store } = ports
  const began = clock.monotonicMs()
  try {
    return await restoreAndCheck(ports, verifications, settings, scratch)
  } catch (error) {
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    const durationMs = clock.monotonicMs() - began
    await verifications.write({ replica: store.url, timeline: null, txid: 0, atMs: clock.wallMs(), passed: false, durationMs })
    throw error
  }
}

async function restoreAndCheck(
  ports: RunbookPorts,
  verifications: VerificationLog,
  settings: RunSettings,
  scratch: string,
): Promise<ValidateReport> {
  const { store, files, outputs, checks, clock, capture } = ports
  const began = clock.monotonicMs()
  const { pid, control } = await capture.reach()
  const scrubbed = await control.scrub()
  const other = await capture.otherReplica()
  const drained = pid === null || other !== null ? null : await control.drain()
  const { timeline, plan } = await choosePoint(store, drainedTimeline(drained), { kind: 'latest' })
  await requireRoom(ports, plan, scratch)
  try {
    const restored = await restoreFile(store, plan, outputs, scratch)
    const ofDatabase = await checkDatabase(checks, scratch, 'alone', settings)
    const validation = [
      passed('replica restorable', restored.verified.join(', '), 'every file and the whole match their checksums'),
      ...(drained === null ? [] : [endsAsWritten(plan.txid, drained.txid)]),
      ...ofDatabase,
      ...exchangeChecks,
    ]
    const failed = failedOf(validation)
    const durationMs = clock.monotonicMs() - began
    const passes = failed.length === 0
    await verifications.write({
      replica: store.url,
      timeline: timeline.number,
      txid: plan.txid,
      atMs: clock.wallMs(),
      passed: passes,
      durationMs,
    })
    const damagedPages = await describeDamaged(ports, scrubbed, plan, scratch)
    const pages = pagesCheck(scrubbed, damagedPages)
    const success = failed.length === 0 && damagedPages.length === 0
    const nobody = other === null ? 'no capture runs' : otherReplicaText(other, store.url)
    const complete = drained === null ? `${nobody}: commits since it last ran are not covered` : drained.complete ? null : drained.because
    const replica =
      failed.length === 0 ? `${formatTxid(plan.txid)} was restored and passes` : `${formatTxid(plan.txid)} fails: ${failed.join(', ')}`
    const headline =
      damagedPages.length === 0
        ? replica
        : `${pageList(scrubbed.damaged)} of the database file ${scrubbed.damaged.length === 1 ? 'is' : 'are'} damaged (genesis-dr execute --scenario DATABASE_CORRUPTION repairs that); ${replica}`
    return {
      success,
      because: complete === null ? headline : `${headline}; ${complete}`,
      timeline: timeline.number,
      txid: formatTxid(plan.txid),
      timestamp: isoTime(restored.timestampMs),
      durationMs,
      validation: pages === null ? validation : [...validation, pages],
      notProven: [
        ...(complete === null ? [] : ['the newest commits']),
        ...(pages === null ? [`the pages of the database file: ${scrubbed.because}`] : []),
        ...unproven(ofDatabase),
        exchangeNotProven,
      ],
      damagedPages,
    }
  } finally {
    await files.removeTemporary(scratch)
  }
}

/** Files that vanished from the end of the replica leave an older point, which passes everything else. The bot may have gone on since the drain. */
function endsAsWritten(found: number, written: number): CheckResult {
  const outcome = found >= written ? 'pass' : 'fail'
  return {
    check: 'replica ends where it was written to',
    outcome,
    observed: formatTxid(found),
    expected: `${formatTxid(written)} or later`,
  }
}

/** The checks of that run, again, on the database as it is now, which a bot may have open. */
export async function validateRun(
  { checks, clock, ...ports }: Pick<RunbookPorts, 'checks' | 'clock' | 'files' | 'openFiles' | 'capture'>,
  settings: RunSettings,
  run: RunState,
): Promise<ValidateReport> {
  const began = clock.monotonicMs()
  const ofDatabase = await checkDatabase(checks, settings.database, (await lookAccess(ports, settings.database)) ?? 'shared', settings)
  const validation = [...ofDatabase, ...exchangeChecks]
  const failed = failedOf(validation)
  const { chosen } = factsOf(run)
  return {
    success: failed.length === 0,
    because:
      failed.length === 0 ? `the database passes the checks of run ${run.runId} now` : `the database fails now: ${failed.join(', ')}`,
    timeline: chosen?.timeline ?? null,
    txid: chosen === undefined ? null : formatTxid(chosen.txid),
    timestamp: chosen === undefined ? null : isoTime(chosen.timestampMs),
    durationMs: clock.monotonicMs() - began,
    validation,
    notProven: [...unproven(ofDatabase), exchangeNotProven],
    damagedPages: [],
  }
}

function failedOf(validation: readonly CheckResult[]): readonly string[] {
  return validation.filter((one) => one.outcome === 'fail').map((one) => one.check)
}

/** A bot must not find its disk full because we looked: twice the size of the database has to be free. @throws DISK_FULL */
async function requireRoom({ store, outputs }: RunbookPorts, plan: RestorePlan, scratch: string): Promise<void> {
  const last = plan.files.at(-1)
  if (last === undefined) return
  const { pageSize, commit } = await readHeader(store, last.key)
  const needed = 2 * pageSize * commit
  const free = outputs.freeBytes(scratch)
  if (free >= needed) return
  throw new DrError('DISK_FULL', {
    what: `restoring ${formatBytes(pageSize * commit)} for a look would leave too little room: ${formatBytes(free)} are free, ${formatBytes(needed)} are asked for`,
    untouched: 'Nothing was written.',
    next: `Free space beside ${scratch}, or validate on another machine: genesis-dr validate --db COPY --replica URL`,
  })
}
