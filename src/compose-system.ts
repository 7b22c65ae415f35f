/** From settings to a system: adapters, and the ports of the runbooks. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import { composeLatchGap, composeService } from './adapters/compose/compose-service.ts'
import { databaseFiles } from './adapters/filesystem/database-files.ts'
import { journalStoreIn } from './adapters/filesystem/journal-store.ts'
import { keptSumsIn } from './adapters/filesystem/kept-sums.ts'
import { deviceOf } from './adapters/filesystem/object-store.ts'
import { outputFiles } from './adapters/filesystem/output-file.ts'
import { recoveryMemoryIn } from './adapters/filesystem/recovery-memory.ts'
import { openRestingDatabase } from './adapters/filesystem/resting-database.ts'
import { sharedLatch, withLockBeside } from './adapters/filesystem/shared-latch.ts'
import { verificationLogIn } from './adapters/filesystem/verification-log.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { nodeHash } from './adapters/node/hash.ts'
import { nodeRandom } from './adapters/node/random.ts'
import { openFilesFromProc } from './adapters/proc/open-files.ts'
import { commandService } from './adapters/process/command-service.ts'
import type { Environment } from './adapters/process/inherited.ts'
import { runCommand } from './adapters/process/run-command.ts'
import { databaseChecks } from './adapters/sqlite/database-checks.ts'
import { haltDropIn, probeHaltDropIn } from './adapters/systemd/halt-drop-in.ts'
import { systemdService } from './adapters/systemd/systemd-service.ts'
import { webhookNotifier } from './adapters/webhook/notifier.ts'
import { captureAccess, type OwnedAccess } from './capture-access.ts'
import { openStore } from './compose-capture.ts'
import type { Config } from './config.ts'
import type { JournalStore } from './ports/journal-store.ts'
import type { ObjectStore } from './ports/object-store.ts'
import type { Service } from './ports/service.ts'
import type { ExecuteWorld } from './runbook/execute.ts'
import type { RunbookPorts } from './runbook/runbook.ts'

/** Those settings that are about one system, with what its processes are given. */
export type SystemSettings = Pick<
  Config,
  | 'name'
  | 'database'
  | 'replica'
  | 'stateFolder'
  | 'captureFolder'
  | 'service'
  | 'checks'
  | 'webhooks'
  | 'stopTimeoutMs'
  | 'flushIntervalMs'
  | 'scrubTurnMs'
  | 'walLimitBytes'
  | 'freeSpaceBytes'
  | 'logPatterns'
  | 'integrity'
  | 'contacts'
  | 'links'
> & {
  /** Our own. A bot that we start inherits it without our secrets (adapters/process/inherited.ts). */
  readonly environment: Environment
}

export function latchPath(settings: SystemSettings): string {
  return join(settings.stateFolder, 'halt.json')
}

export function serviceOf({ service, stateFolder, environment }: SystemSettings): Service | null {
  if (service === null) return null
  if ('systemd' in service) return systemdService({ unit: service.systemd, run: runCommand })
  if ('compose' in service) return composeService({ service: service.compose, at: service.at, run: runCommand })
  return commandService({ command: service.command, cwd: service.cwd, logFile: join(stateFolder, 'bot.log'), stateFolder, environment })
}

/** A reboot starts an enabled unit, and a container that is always to run, whatever latch stands, unless the unit itself asks for it. */
export async function latchGap(settings: SystemSettings): Promise<string | null> {
  const { service } = settings
  if (service !== null && 'compose' in service) return composeLatchGap({ service: service.compose, at: service.at, run: runCommand })
  if (service === null || !('systemd' in service)) return null
  const dropIn = haltDropIn(service.systemd, latchPath(settings))
  const { state, because } = await probeHaltDropIn(service.systemd, dropIn, runCommand)
  if (state === 'in place') return null
  const lines = dropIn.text.trim().split('\n').slice(1).join(', then ')
  return `a reboot, or systemctl start, would start ${service.systemd} past a halt latch (${because}): write ${lines} into ${dropIn.path}, then systemctl daemon-reload`
}

function journalOf({ stateFolder, captureFolder }: SystemSettings): JournalStore {
  const store = journalStoreIn(join(stateFolder, 'journal'))
  return stateFolder === captureFolder ? store : withLockBeside(store, join(captureFolder, 'runs.lock'))
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
  const access = captureAccess(settings.database, settings.captureFolder, store, use)
  const ports: RunbookPorts = {
    clock: nodeClock,
    store,
    files: databaseFiles,
    outputs: outputFiles,
    checks: databaseChecks,
    openFiles: openFilesFromProc,
    latch: sharedLatch(latchPath(settings), join(settings.captureFolder, 'halt.json')),
    service: serviceOf(settings),
    notifiers: settings.webhooks.map(webhookNotifier),
    capture: access,
    resting: { open: openRestingDatabase },
    unfinished: recoveryMemoryIn(settings.captureFolder),
    keptSums: keptSumsIn(settings.captureFolder),
  }
  const world: ExecuteWorld = {
    ports,
    random: nodeRandom,
    pid: process.pid,
    journal: { store: journalOf(settings), hash: nodeHash, clock: nodeClock, host: hostname() },
    settings: (runId) => ({
      system: settings.name,
      database: settings.database,
      evidenceFolder: join(settings.stateFolder, 'evidence', runId),
      stopTimeoutMs: settings.stopTimeoutMs,
      integrity: settings.integrity,
      checks: settings.checks,
      logPatterns: settings.logPatterns,
      contacts: settings.contacts,
      links: settings.links,
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
