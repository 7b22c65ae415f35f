/** Is what we have restorable now: the newest point restored to a scratch file and checked, by the checksum that the live database had too. */
import { DrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { VerificationLog } from '../ports/verification-log.ts'
import { planRestore, type RestorePlan } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { restoreFile } from '../restore/restore-file.ts'
import { formatBytes, isoTime } from '../units.ts'
import { checkDatabase } from './check-database.ts'
import { type CheckResult, passed } from './check-result.ts'
import { choosePoint } from './choose-point.ts'
import type { RunbookPorts, RunSettings } from './runbook.ts'
import { exchangeChecks } from './steps/validate-recovery.ts'

export interface ValidateReport {
  readonly success: boolean
  readonly because: string
  readonly timeline: string | null
  readonly txid: string
  readonly timestamp: string
  readonly durationMs: number
  readonly validation: readonly CheckResult[]
  readonly notProven: readonly string[]
}

/** `scratch`: a path for the temporary file, which is removed at the end. @throws REPLICA_EMPTY, REPLICA_GAP, LTX_DAMAGED, DISK_FULL */
export async function validate(
  ports: RunbookPorts,
  verifications: VerificationLog,
  settings: RunSettings,
  scratch: string,
): Promise<ValidateReport> {
  const { store, files, outputs, checks, clock, capture } = ports
  const began = clock.monotonicMs()
  const { pid, control } = await capture.reach()
  const drained = pid === null ? null : await control.drain()
  const { timeline, target } = await choosePoint(store, null, { kind: 'latest' })
  const plan = planRestore(timeline.files, target)
  await requireRoom(ports, plan, scratch)
  try {
    const restored = await restoreFile(store, plan, outputs, scratch)
    const validation = [
      passed('replica restorable', restored.verified.join(', '), 'every file and the whole match their checksums'),
      ...(await checkDatabase(checks, scratch, 'alone', settings)),
      ...exchangeChecks,
    ]
    const failed = validation.filter((one) => one.outcome === 'fail')
    const durationMs = clock.monotonicMs() - began
    const success = failed.length === 0
    await verifications.write({ timeline: timeline.number, txid: plan.txid, atMs: clock.wallMs(), passed: success, durationMs })
    const complete =
      drained === null ? 'no capture runs: commits since it last ran are not covered' : drained.complete ? null : drained.because
    const headline = success
      ? `${formatTxid(plan.txid)} was restored and passes`
      : `${formatTxid(plan.txid)} fails: ${failed.map((one) => one.check).join(', ')}`
    return {
      success,
      because: complete === null ? headline : `${headline}; ${complete}`,
      timeline: timeline.number,
      txid: formatTxid(plan.txid),
      timestamp: isoTime(restored.timestampMs),
      durationMs,
      validation,
      notProven: [...(complete === null ? [] : ['the newest commits']), 'exchange'],
    }
  } finally {
    await files.removeTemporary(scratch)
  }
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
