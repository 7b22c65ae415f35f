/** The errands of an agent: what each does, in the process that is started for it. */
import { createInterface } from 'node:readline'
import { diskSpaceOf } from './adapters/filesystem/disk-space.ts'
import type { Environment } from './adapters/process/inherited.ts'
import type { Conclusion, Rehearsal } from './agent/agent-world.ts'
import type { InterruptedRun, Look } from './agent/decide.ts'
import { composeSystem, type System, verificationsOf } from './compose-system.ts'
import type { Config } from './config.ts'
import { DrError, isDrError, sentenceOf } from './errors.ts'
import { excessOf } from './replication/limits.ts'
import { detect, listedDetections, onlyCommitted, troublesOf } from './runbook/detection.ts'
import { execute, readableRun } from './runbook/execute.ts'
import type { CaptureAccess } from './runbook/runbook.ts'
import { databaseCorruption } from './runbook/scenarios/database-corruption.ts'
import { validate } from './runbook/validate.ts'
import { listRuns } from './status/runs.ts'
import { counted } from './units.ts'
import type { RunEvent } from './workflow/run.ts'

export type Errand =
  | { readonly kind: 'look' }
  /** `scratch`: a path for the file that is restored. */
  | { readonly kind: 'rehearse'; readonly scratch: string }
  | { readonly kind: 'execute'; readonly detectedAtMs: number; readonly detectedBecause: string }

/** The line that the process is told. */
export interface ErrandOrderLine {
  readonly config: Config
  readonly errand: Errand
}

/** The only runbook that may be started without a person in this version. */
export const watchedRunbook = databaseCorruption

/** Ends this process. SIGTERM, or the end of stdin, pauses a run after the step that is under way, and ends anything else. */
export async function runErrandProgram(environment: Environment): Promise<never> {
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort())
  process.stdin.once('close', () => stop.abort())
  try {
    const { config, errand } = await readOrder(process.stdin)
    process.stdin.resume()
    if (errand.kind !== 'execute') stop.signal.addEventListener('abort', () => process.exit(3))
    say({ type: 'ended', value: await workOf(config, environment, errand, stop.signal) })
    process.exit(0)
  } catch (error) {
    const known = isDrError(error) ? { code: error.code, untouched: error.untouched, next: error.next } : { code: 'BUG' }
    process.stderr.write(`${JSON.stringify({ error: { what: sentenceOf(error), ...known } })}\n`)
    process.exit(isDrError(error) ? error.exit : 1)
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function readOrder(stdin: NodeJS.ReadStream): Promise<ErrandOrderLine> {
  for await (const line of createInterface({ input: stdin })) return JSON.parse(line) as ErrandOrderLine
  throw new TypeError('stdin ended before an errand was told')
}

async function workOf(
  config: Config,
  environment: Environment,
  errand: Errand,
  signal: AbortSignal,
): Promise<Look | Rehearsal | Conclusion> {
  const settings = { ...config, environment }
  // A look and a rehearsal never keep the lock of the capture, which may be about to start.
  const system = await composeSystem(settings, errand.kind === 'execute' ? 'act' : 'look')
  try {
    switch (errand.kind) {
      case 'look':
        return await look(system)
      case 'rehearse':
        return await rehearse(system, config, errand.scratch)
      case 'execute':
        return await recover(system, errand, signal)
    }
  } finally {
    system.access.close()
  }
}

async function look({ ports, world }: System): Promise<Look> {
  const runs = await listRuns(world.journal)
  const running = runs.some(({ state }) => state === 'running')
  const left = runs.findLast(({ state }) => state === 'interrupted')
  const interrupted = left === undefined ? null : await interruptedRun(world.journal, left.runId)
  // In the middle of a recovery the database is what that has made of it.
  const detections = running || interrupted !== null ? [] : await detect(ports, watchedRunbook.detectedWhen, world.settings('look'))
  return {
    found: listedDetections(detections, true),
    untold: listedDetections(detections, null),
    committed: onlyCommitted(detections),
    troubles: troublesOf(detections),
    damage: await damageOf(ports.capture),
    service: ports.service === null ? null : await ports.service.state(),
    latch: await ports.latch.read(),
    interrupted,
    running,
  }
}

async function interruptedRun(journal: System['world']['journal'], id: string): Promise<InterruptedRun | null> {
  const run = await readableRun(journal, id)
  if (run === null) return null
  const { runId, scenario, detectedAtMs, detectedBecause } = run
  return { runId, scenario, detectedAtMs, detectedBecause }
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

/** A replica that cannot be restored is a rehearsal that failed. @throws DISK_FULL when the disk is short, and what is unavailable */
async function rehearse({ ports, world }: System, config: Config, scratch: string): Promise<Rehearsal> {
  const short = excessOf({ logBytes: 0, logUnfinished: false, disk: diskSpaceOf(config.database) }, config)
  if (short !== null) {
    throw new DrError('DISK_FULL', { what: short, untouched: 'Nothing was restored for a look.', next: 'Free space there.' })
  }
  const verifications = verificationsOf({ ...config, environment: {} })
  const began = ports.clock.monotonicMs()
  try {
    return await validate(ports, verifications, world.settings('validate'), scratch)
  } catch (error) {
    if (!isDrError(error) || error.kind !== 'damaged') throw error
    const durationMs = ports.clock.monotonicMs() - began
    await verifications.write({ timeline: null, txid: 0, atMs: ports.clock.wallMs(), passed: false, durationMs })
    return { success: false, because: error.message }
  }
}

async function recover({ world }: System, errand: Errand & { readonly kind: 'execute' }, signal: AbortSignal): Promise<Conclusion> {
  const { detectedAtMs, detectedBecause } = errand
  const outcome = await execute(world, {
    runbook: watchedRunbook,
    mode: 'live',
    detectedAtMs,
    detectedBecause,
    approve: async () => ({ do: 'run' }),
    onEvent: (event: RunEvent) => say(event),
    signal,
  })
  if (outcome.ended === 'paused') return { success: null, because: `run ${outcome.runId} is paused` }
  const { success, because } = outcome.result
  return { success, because }
}
