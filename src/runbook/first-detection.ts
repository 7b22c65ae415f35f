/** When the trouble was noticed that a run is about: it counts from there, however many runs it takes. */
import { readableRun } from '../workflow/find-runs.ts'
import type { ExecuteRequest, ExecuteWorld } from './execute.ts'

type Detection = Pick<ExecuteRequest, 'detectedAtMs' | 'detectedBecause'>

/** A run of the same runbook that failed, and whose latch still stands, noticed it; else a person did, now. @throws JOURNAL_NEWER */
export async function firstDetection(
  { journal, ports }: Pick<ExecuteWorld, 'journal' | 'ports'>,
  scenario: string,
  nowMs: number,
): Promise<Detection> {
  const holder = (await ports.latch.read())?.holder
  const known = holder !== undefined && (await journal.store.list()).includes(holder)
  const before = known ? await readableRun(journal, holder) : null
  if (before?.scenario !== scenario || before.end?.state !== 'failed')
    return { detectedAtMs: nowMs, detectedBecause: 'a person started it' }
  return {
    detectedAtMs: Math.min(before.detectedAtMs, nowMs),
    detectedBecause: `run ${before.runId} noticed it, and did not recover: ${before.detectedBecause}`,
  }
}
