/** Puts a drill together: an isolated system in a temporary folder, with everything real but the disaster's cause. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { diskError } from './adapters/filesystem/durable.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { createSandbox, entryPath } from './adapters/sandbox/sandbox.ts'
import type { CaptureSettings } from './compose-capture.ts'
import { composeSystem, type SystemSettings } from './compose-system.ts'
import { botChecks } from './drill/bot-schema.ts'
import { type DamageKind, damageKindNames } from './drill/damage.ts'
import { type DrillRequest, drill } from './drill/drill.ts'
import { seededRandom } from './drill/seeded-random.ts'
import type { RunResult } from './runbook/result.ts'
import type { Runbook } from './runbook/runbook.ts'
import { MiB, minutes } from './units.ts'

export interface PlayRequest extends Pick<DrillRequest, 'onEvent' | 'signal'> {
  readonly runbook: Runbook
  /** null: the seed chooses one of those that are played by default. */
  readonly damage: DamageKind | null
  readonly seed: number
  readonly integrity: 'quick' | 'full'
  readonly logPatterns: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Chosen: a busy retail bot; a desk's peaks are played by the benchmark. */
const tradesPerSecond = 200

/** @throws DISK_FULL, IO_FAILED */
function scratchFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'genesis-dr-drill-'))
  } catch (error) {
    throw diskError(error, `make a folder for the drill in ${tmpdir()}`, 'Nothing was done.')
  }
}

export async function playDrill(request: PlayRequest): Promise<RunResult> {
  const { seed, environment, integrity, logPatterns } = request
  const random = seededRandom(seed)
  const damage = request.damage ?? damageKindNames[random.below(damageKindNames.length)] ?? 'interior-page'
  const folder = scratchFolder()
  const database = join(folder, 'bot.db')
  const witness = join(folder, 'witness.jsonl')
  const options = { db: database, witness, rate: tradesPerSecond, seed, leash: process.pid }
  const command = [
    process.execPath,
    entryPath('drill-bot'),
    ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]),
  ]
  const capture: CaptureSettings = {
    database,
    replica: { url: 'file:./replica', path: join(folder, 'replica') },
    captureFolder: join(folder, '.bot.db-dr'),
    flushIntervalMs: 50,
    scrubTurnMs: minutes(60),
    // A drill is short, and ends before it fills a disk.
    walLimitBytes: 1024 * MiB,
    freeSpaceBytes: 0,
  }
  const settings: SystemSettings = {
    ...capture,
    name: 'drill',
    stateFolder: join(folder, '.genesis'),
    service: { command, cwd: folder },
    checks: botChecks,
    webhooks: [],
    stopTimeoutMs: 5000,
    logPatterns,
    integrity,
    contacts: [],
    links: {},
    environment,
  }
  const { ports, world, access } = await composeSystem(settings, 'act')
  const { service, openFiles } = ports
  if (service === null) throw new Error('the drill has a service')
  const sandbox = createSandbox({ folder, database, witness, service, openFiles, clock: nodeClock, captureSettings: capture, environment })
  try {
    return await drill(world, sandbox, { ...request, damage, random })
  } finally {
    access.close()
  }
}
