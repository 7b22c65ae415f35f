/** What an agent sends somebody to do, in a process of its own: a look, a rehearsal, a run. */
import { DrError, isDrError } from '../errors.ts'
import type { DiskSpace } from '../ports/disk-space.ts'
import type { VerificationLog } from '../ports/verification-log.ts'
import { type CaptureLimits, excessOf } from '../replication/limits.ts'
import { detect, listedDetections, onlyCommitted, troublesOf } from '../runbook/detection.ts'
import { type ExecuteRequest, type ExecuteWorld, execute } from '../runbook/execute.ts'
import type { CaptureAccess } from '../runbook/runbook.ts'
import { corruptionRunbook } from '../runbook/scenarios/corruption-runbook.ts'
import { databaseCorruption } from '../runbook/scenarios/database-corruption.ts'
import { timelineOption } from '../runbook/scenarios/timeline-option.ts'
import { validate } from '../runbook/validate.ts'
import { listRuns } from '../status/runs.ts'
import { counted } from '../units.ts'
import { readableRun } from '../workflow/find-runs.ts'
import type { Conclusion, Rehearsal } from './agent-world.ts'
import type { InterruptedRun, Look } from './decide.ts'

/** The only runbook that may be started without a person in this version. */
export const watchedRunbook = databaseCorruption

export async function look({ ports, journal, settings }: ExecuteWorld): Promise<Look> {
  const runs = await listRuns(journal)
  const running = runs.some(({ state }) => state === 'running')
  const left = runs.findLast(({ state }) => state === 'interrupted')
  const interrupted = left === undefined ? null : await interruptedRun(journal, left.runId)
  // In the middle of a recovery the database is what that has made of it.
  const detections = running || interrupted !== null ? [] : await detect(ports, watchedRunbook.detectedWhen, settings('look'))
  return {
    found: listedDetections(detections, true),
    untold: listedDetections(detections, null),
    committed: onlyCommitted(detections),
    troubles: troublesOf(detections),
    older: await ports.capture.older(),
    damage: await damageOf(ports.capture),
    service: ports.service === null ? null : await ports.service.state(),
    latch: await ports.latch.read(),
    interrupted,
    running,
  }
}

async function interruptedRun(journal: ExecuteWorld['journal'], id: string): Promise<InterruptedRun | null> {
  const run = await readableRun(journal, id)
  if (run === null) return null
  const { runId, scenario, options, detectedAtMs, detectedBecause } = run
  return { runId, scenario, ofTimeline: timelineOption(options) !== null, detectedAtMs, detectedBecause }
}

async function damageOf(capture: CaptureAccess): Promise<string | null> {
  try {
    const captor = await capture.reach()
    if (captor.pid === null) return null
    const { damage, scrub } = await captor.control.position()
    const pages = scrub?.damaged ?? []
    return damage ?? (pages.length === 0 ? null : `${counted(pages.length, 'page')} of the file is not what was committed`)
  } catch (error) {
    if (isDrError(error)) return null
    throw error
  }
}

export interface RehearseWith {
  /** A path for the file that is restored. */
  readonly scratch: string
  readonly verifications: VerificationLog
  /** Of the database; null where it cannot be told. */
  readonly disk: DiskSpace | null
  readonly limits: CaptureLimits
}

/** A replica that cannot be restored is a rehearsal that failed. @throws DISK_FULL when the disk is short, and what is unavailable */
export async function rehearse(
  { ports, settings }: ExecuteWorld,
  { scratch, verifications, disk, limits }: RehearseWith,
): Promise<Rehearsal> {
  const short = excessOf({ logBytes: 0, logUnfinished: false, disk }, limits)
  if (short !== null) {
    throw new DrError('DISK_FULL', { what: short, untouched: 'Nothing was restored for a look.', next: 'Free space there.' })
  }
  try {
    return await validate(ports, verifications, settings('validate'), scratch)
  } catch (error) {
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    return { success: false, because: error.message }
  }
}

export async function recover(
  world: ExecuteWorld,
  timeline: string | null,
  request: Pick<ExecuteRequest, 'detectedAtMs' | 'detectedBecause' | 'onEvent' | 'signal'>,
): Promise<Conclusion> {
  const runbook = await corruptionRunbook(world, timeline)
  const outcome = await execute(world, { ...request, runbook, mode: 'live', approve: async () => ({ do: 'run' }) })
  if (outcome.ended === 'paused') return { success: null, because: `run ${outcome.runId} is paused` }
  const { success, because } = outcome.result
  return { success, because }
}
