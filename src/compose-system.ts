/** From settings to a system: adapters, the ports of the runbooks, and the capture. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { serveControl } from './adapters/control/server.ts'
import { captureStateIn } from './adapters/filesystem/capture-state.ts'
import { databaseFiles } from './adapters/filesystem/database-files.ts'
import { makeFolder } from './adapters/filesystem/durable.ts'
import { haltLatchAt } from './adapters/filesystem/halt-latch.ts'
import { journalStoreIn } from './adapters/filesystem/journal-store.ts'
import { deviceOf, openFolderStore } from './adapters/filesystem/object-store.ts'
import { outputFiles } from './adapters/filesystem/output-file.ts'
import { lockHolder, takeProcessLock } from './adapters/filesystem/process-lock.ts'
import { verificationLogIn } from './adapters/filesystem/verification-log.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { nodeHash } from './adapters/node/hash.ts'
import { nodeRandom } from './adapters/node/random.ts'
import { openFilesFromProc } from './adapters/proc/open-files.ts'
import { commandService } from './adapters/process/command-service.ts'
import { runCommand } from './adapters/process/run-command.ts'
import { databaseChecks } from './adapters/sqlite/database-checks.ts'
import { openLiveDatabase, requireFollowable } from './adapters/sqlite/live-database.ts'
import { haltDropIn, probeHaltDropIn } from './adapters/systemd/halt-drop-in.ts'
import { systemdService } from './adapters/systemd/systemd-service.ts'
import { webhookNotifier } from './adapters/webhook/notifier.ts'
import { captureAccess, captureLockPath, type OwnedAccess } from './capture-access.ts'
import { DrError } from './errors.ts'
import type { ObjectStore } from './ports/object-store.ts'
import type { Service } from './ports/service.ts'
import type { CaptureEvent } from './replication/capture-event.ts'
import { CaptureHost } from './replication/host.ts'
import type { ExecuteWorld } from './runbook/execute.ts'
import type { RunbookPorts, UserCheck } from './runbook/runbook.ts'

export interface SystemSettings {
  readonly name: string
  /** Absolute. */
  readonly database: string
  readonly replica: { readonly url: string; readonly path: string } | null
  readonly stateFolder: string
  readonly service: { readonly systemd: string } | { readonly command: readonly string[]; readonly cwd: string } | null
  readonly checks: readonly UserCheck[]
  readonly webhooks: readonly string[]
  readonly stopTimeoutMs: number
  readonly flushIntervalMs: number
  readonly logPatterns: readonly string[]
  readonly integrity: 'quick' | 'full'
  /** What a bot that we start inherits, secrets of ours left out. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

export function latchPath(settings: SystemSettings): string {
  return join(settings.stateFolder, 'halt.json')
}

/** @throws CONFIG_INVALID when no replica is known */
export function openStore(settings: SystemSettings): Promise<ObjectStore> {
  if (settings.replica !== null) return openFolderStore(settings.replica.url, settings.replica.path)
  throw new DrError('CONFIG_INVALID', {
    what: 'no replica is configured',
    untouched: 'Nothing was done.',
    next: 'Give --replica file:PATH, or "replica: file:PATH" in genesis-dr.yaml.',
  })
}

export function serviceOf({ service, stateFolder, environment }: SystemSettings): Service | null {
  if (service === null) return null
  if ('systemd' in service) return systemdService({ unit: service.systemd, run: runCommand })
  return commandService({ command: service.command, cwd: service.cwd, logFile: join(stateFolder, 'bot.log'), stateFolder, environment })
}

/** A reboot starts an enabled unit, whatever latch stands, unless the unit itself asks for it. */
export async function latchGap(settings: SystemSettings): Promise<string | null> {
  const { service } = settings
  if (service === null || !('systemd' in service)) return null
  const dropIn = haltDropIn(service.systemd, latchPath(settings))
  const { state, because } = await probeHaltDropIn(service.systemd, dropIn, runCommand)
  if (state === 'in place') return null
  const lines = dropIn.text.trim().split('\n').slice(1).join(', then ')
  return `a reboot, or systemctl start, would start ${service.systemd} past a halt latch (${because}): write ${lines} into ${dropIn.path}, then systemctl daemon-reload`
}

export interface System {
  readonly store: ObjectStore
  readonly ports: RunbookPorts
  readonly world: ExecuteWorld
  readonly access: OwnedAccess
}

/** Everything that a runbook needs. `use`: whether the capture lock is kept once it was taken; `close` of the access gives it back. */
export async function composeSystem(settings: SystemSettings, use: 'act' | 'look'): Promise<System> {
  const store = await openStore(settings)
  const access = captureAccess(settings.database, settings.stateFolder, store, use)
  const ports: RunbookPorts = {
    clock: nodeClock,
    store,
    files: databaseFiles,
    outputs: outputFiles,
    checks: databaseChecks,
    openFiles: openFilesFromProc('locks-suffice'),
    latch: haltLatchAt(latchPath(settings)),
    service: serviceOf(settings),
    notifiers: settings.webhooks.map(webhookNotifier),
    capture: access,
  }
  const world: ExecuteWorld = {
    ports,
    random: nodeRandom,
    pid: process.pid,
    journal: { store: journalStoreIn(join(settings.stateFolder, 'journal')), hash: nodeHash, clock: nodeClock, host: hostname() },
    settings: (runId) => ({
      system: settings.name,
      database: settings.database,
      evidenceFolder: join(settings.stateFolder, 'evidence', runId),
      stopTimeoutMs: settings.stopTimeoutMs,
      integrity: settings.integrity,
      checks: settings.checks,
      logPatterns: settings.logPatterns,
    }),
  }
  return { store, ports, world, access }
}

export const verificationsOf = (settings: SystemSettings) => verificationLogIn(settings.stateFolder)

/** The replica lies on the disk of the database: it survives corruption, not the loss of the disk. null: cannot be told. */
export async function onSameDisk(settings: SystemSettings, store: ObjectStore): Promise<boolean | null> {
  const device = await deviceOf(settings.database)
  return device === null || store.capabilities.device === null ? null : device === store.capabilities.device
}

/** Chosen: whoever only looks holds the lock for an instant; 2 s is far longer. */
const lockPatienceMs = 2000

/**
 * Copies the database continuously until `signal` aborts, then flushes. Its connections stay open at the end on purpose: the process is
 * to exit without closing them, because the last one that closes would checkpoint and delete the log.
 * @throws CAPTURE_RUNNING, and as CaptureHost.run
 */
export async function replicate(
  settings: SystemSettings,
  options: { readonly takeOver: boolean; readonly signal: AbortSignal; readonly onEvent: (event: CaptureEvent) => void },
) {
  const store = await openStore(settings)
  requireFollowable(settings.database)
  await makeFolder(settings.stateFolder, 0o700)
  const lock = await takeCaptureLock(settings)
  const host = new CaptureHost(
    {
      store,
      clock: nodeClock,
      random: nodeRandom,
      state: captureStateIn(settings.stateFolder),
      openDatabase: () => openLiveDatabase(settings.database),
      onEvent: options.onEvent,
      flushIntervalMs: settings.flushIntervalMs,
      databasePath: settings.database,
      pid: process.pid,
      databaseExists: async () => (await databaseFiles.stat(settings.database)) !== null,
    },
    options.takeOver,
  )
  const stopServing = await serveControl(settings.stateFolder, host)
  try {
    return await host.run(options.signal)
  } finally {
    await stopServing()
    lock.release()
  }
}

async function takeCaptureLock(settings: SystemSettings) {
  const path = captureLockPath(settings.stateFolder)
  const deadline = nodeClock.monotonicMs() + lockPatienceMs
  for (;;) {
    const lock = takeProcessLock(path)
    if (lock !== null) return lock
    if (nodeClock.monotonicMs() > deadline) {
      throw new DrError('CAPTURE_RUNNING', {
        what: `process ${lockHolder(path) ?? '(unknown)'} captures ${settings.database} already`,
        untouched: 'Nothing was done by this command; that capture goes on.',
        next: 'Look at it with: genesis-dr replication-status',
      })
    }
    await nodeClock.sleep(100)
  }
}
