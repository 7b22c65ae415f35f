/** The composition root of the faces: from the configuration to one function a verb. */
import { agentPid } from './adapters/filesystem/agent-lock.ts'
import { agentStateIn } from './adapters/filesystem/agent-state.ts'
import { captureStateIn } from './adapters/filesystem/capture-state.ts'
import { databaseFiles } from './adapters/filesystem/database-files.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { nodeRandom } from './adapters/node/random.ts'
import { logReaders } from './adapters/proc/log-readers.ts'
import { journalModeOf } from './adapters/sqlite/database-checks.ts'
import { requireWritable } from './adapters/sqlite/write-access.ts'
import type { ExecuteCommand, Parts, RecoverRequest } from './cli/parts.ts'
import { runAgent } from './compose-agent.ts'
import { openStore } from './compose-capture.ts'
import { playDrill } from './compose-drill.ts'
import { init } from './compose-init.ts'
import { replicateSupervised } from './compose-supervised.ts'
import { composeSystem, latchGap, onSameDisk, type System, type SystemSettings, verificationsOf } from './compose-system.ts'
import type { Config } from './config.ts'
import { DrError, isDrError } from './errors.ts'
import { changedAtMs, realFolder, realPlace } from './load-config.ts'
import { formatTxid } from './ltx/txid.ts'
import { acceptOlder } from './replication/accept-older.ts'
import type { CaptureEvent } from './replication/capture-event.ts'
import { botWords } from './runbook/bot-words.ts'
import { choosePoint } from './runbook/choose-point.ts'
import { runbookDocument } from './runbook/document.ts'
import { execute, newRunId } from './runbook/execute.ts'
import { firstDetection } from './runbook/first-detection.ts'
import { foresee } from './runbook/foresee.ts'
import { strangersOn } from './runbook/holders.ts'
import { underOtherName } from './runbook/other-name.ts'
import { requireOutputPath } from './runbook/output-path.ts'
import { foreseeRecovery, recoverToFile, reportOfRun } from './runbook/recover.ts'
import { otherDatabaseOf, otherReplicaText } from './runbook/require-replaceable.ts'
import { factsOf } from './runbook/run-facts.ts'
import type { Runbook } from './runbook/runbook.ts'
import { corruptionRunbook } from './runbook/scenarios/corruption-runbook.ts'
import { databaseCorruption } from './runbook/scenarios/database-corruption.ts'
import { recoverInPlace } from './runbook/scenarios/recover.ts'
import { foreseeStopByHand, resumeByHand, stopByHand } from './runbook/trading.ts'
import { validate, validateRun } from './runbook/validate.ts'
import { backupStatus } from './status/backup-status.ts'
import { type ReplicationStatus, replicationStatus } from './status/replication-status.ts'
import { lastRun, listRuns, showRun, stateOfRun } from './status/runs.ts'
import { type Status, statusOf } from './status/status.ts'
import { lastInterrupted } from './workflow/find-runs.ts'

export const runbooks: readonly Runbook[] = [databaseCorruption]

/** `environment`: what a bot that we start inherits, secrets of ours left out. */
export function composeParts(config: Config, environment: Readonly<Record<string, string | undefined>>): Parts {
  const settings: SystemSettings = { ...config, environment }
  const acting = <T>(work: (system: System) => Promise<T>, over: Partial<SystemSettings> = {}): Promise<T> =>
    within({ ...settings, ...over }, 'act', work)
  const looking = <T>(work: (system: System) => Promise<T>): Promise<T> => within(settings, 'look', work)
  return {
    runbooks,
    agent: async (request) => {
      if ((await databaseFiles.stat(settings.database)) !== null) requireWritable(settings.database)
      await warnOfSameDisk(settings, request.onEvent)
      return runAgent(config, environment, request)
    },
    replicate: async (request) => {
      await warnOfSameDisk(settings, request.onEvent)
      return replicateSupervised(settings, { ...request, environment, watcher: 'person' })
    },
    recover: (request) => {
      const use = request.dryRun ? 'look' : request.output === null ? 'write' : 'act'
      return within({ ...settings, ...(request.full ? { integrity: 'full' } : {}) }, use, (system) =>
        request.output === null ? inPlace(system, request) : toFile(system, request, outputPath(request.output, config)),
      )
    },
    accept: async ({ timeline }) => {
      const { txid } = await acceptOlder(captureStateIn(settings.captureFolder), timeline)
      return {
        timeline,
        because: `the database goes on without what timeline ${timeline} has after ${formatTxid(txid)}; it stays in the replica`,
      }
    },
    backupStatus: () => looking(async (system) => backups(settings, system, await replication(settings)(system))),
    replicationStatus: () => looking(replication(settings)),
    status: () => looking(status(settings, config)),
    validate: ({ runId, full }) =>
      runId === null ? acting(validateNow(settings), full ? { integrity: 'full' } : {}) : looking(validateAgain(runId)),
    stopTrading: ({ by, dryRun }) =>
      within(settings, dryRun ? 'look' : 'act', ({ ports, world }) =>
        (dryRun ? foreseeStopByHand : stopByHand)(ports, world.settings(`person-${by}`), by),
      ),
    resumeTrading: ({ by }) => acting(({ world }) => resumeByHand(world, by)),
    execute: (request) => within(settings, request.dryRun ? 'look' : 'write', (system) => runScenario(system, request)),
    drill: (request) =>
      playDrill({
        ...request,
        runbook: requireRunbook(request.scenario),
        seed: request.seed ?? nodeRandom.below(1_000_000),
        integrity: config.integrity,
        logPatterns: config.logPatterns,
        environment,
      }),
    runs: () => looking(({ world }) => listRuns(world.journal)),
    runShow: (runId) => looking(({ world }) => showRun(world.journal, runId, nodeClock.wallMs())),
    init: (request) => init(config, request),
    runbook: async () => runbookDocument(runbooks, config),
  }
}

async function warnOfSameDisk(settings: SystemSettings, onEvent: (event: CaptureEvent) => void): Promise<void> {
  if ((await onSameDisk(settings, await openStore(settings))) !== true) return
  onEvent({
    type: 'warning',
    because: 'the replica lies on the same disk as the database: it survives corruption, not the loss of this disk',
  })
}

/** 'write': the database itself is replaced, which whoever may only read it is refused first. @throws DATABASE_READ_ONLY */
async function within<T>(settings: SystemSettings, use: 'write' | 'act' | 'look', work: (system: System) => Promise<T>): Promise<T> {
  if (use === 'write' && (await databaseFiles.stat(settings.database)) !== null) requireWritable(settings.database)
  const system = await composeSystem(settings, use === 'look' ? 'look' : 'act')
  try {
    return await work(system)
  } finally {
    system.access.close()
  }
}

/** @throws USAGE */
function requireRunbook(scenario: string): Runbook {
  const found = runbooks.find((one) => one.scenario === scenario)
  if (found !== undefined) return found
  throw new DrError('USAGE', {
    what: `there is no runbook for ${scenario}`,
    untouched: 'Nothing was done.',
    next: `This version has: ${runbooks.map((one) => one.scenario).join(', ')}`,
  })
}

async function runScenario({ world }: System, request: ExecuteCommand) {
  requireRunbook(request.scenario)
  const runbook = await corruptionRunbook(world, request.timeline)
  const detection = await firstDetection(world, runbook.scenario, nodeClock.wallMs())
  const common = { runbook, ...detection, onEvent: request.onEvent, signal: request.signal }
  if (request.dryRun) return { ended: 'done' as const, result: await foresee(world, common) }
  return execute(world, { ...common, mode: 'live', approve: request.approve })
}

/** As it is without symbolic links in its folder. @throws USAGE */
function outputPath(output: string, { database, replica, captureFolder }: Config): string {
  const path = realPlace(output)
  const folders = [...(replica === null ? [] : [realFolder(replica.path) ?? replica.path]), captureFolder]
  requireOutputPath(path, { database, folders })
  return path
}

async function toFile({ ports, world }: System, request: RecoverRequest, output: string) {
  const { target, timeline, dryRun } = request
  const settings = world.settings('recover')
  if (dryRun) return { ended: 'done' as const, report: await foreseeRecovery(ports, { output, timeline, target, place: 'new file' }) }
  const progress = (text: string): void => request.onEvent({ type: 'step-progress', step: 'recover', text, elapsedMs: 0 })
  const temporary = `${output}.genesis-dr-${newRunId(world)}`
  return { ended: 'done' as const, report: await recoverToFile(ports, { output, temporary, timeline, target, settings, progress }) }
}

async function inPlace({ ports, world }: System, request: RecoverRequest) {
  const { target, timeline } = request
  const runbook = recoverInPlace({ timeline, target })
  const began = nodeClock.monotonicMs()
  const common = {
    runbook,
    detectedAtMs: nodeClock.wallMs(),
    detectedBecause: 'a person started it',
    onEvent: request.onEvent,
    signal: request.signal,
  }
  // What is not there is refused before a run begins; one that was interrupted chose its point, which by now may lie on another timeline.
  // Without a named timeline the last good point is that of the one which will be drained.
  const begins = request.dryRun || (await lastInterrupted(world.journal)) === null
  if (begins && (timeline !== null || target.kind !== 'last-good')) await choosePoint(ports.store, timeline, target)
  if (request.dryRun) {
    const looked = await foresee(world, common)
    if (!looked.success) return { ended: 'failed' as const, result: looked }
    const { database } = world.settings('recover')
    return { ended: 'done' as const, report: await foreseeRecovery(ports, { output: database, timeline, target, place: 'in place' }) }
  }
  const outcome = await execute(world, { ...common, mode: 'live', approve: async () => ({ do: 'run' }) })
  if (outcome.ended === 'paused') return outcome
  const state = await stateOfRun(world.journal, outcome.result.runId)
  const report = reportOfRun(factsOf(state), nodeClock.monotonicMs() - began)
  return outcome.ended === 'done' && report !== null
    ? { ended: 'done' as const, report }
    : { ended: 'failed' as const, result: outcome.result }
}

const replication =
  (settings: SystemSettings) =>
  async ({ store, ports }: System) => {
    const { database } = settings
    const other = await ports.capture.otherReplica()
    const status = await replicationStatus(
      database,
      store.url,
      await onSameDisk(settings, store),
      () => ports.capture.reach(),
      async () => {
        const pids = await logReaders.inTransaction(database)
        if (pids === null) return null
        const { processes } = await strangersOn(ports, database)
        return processes.filter(({ pid }) => pids.includes(pid))
      },
      async () => (other === null ? underOtherName(ports, database) : otherReplicaText(other, store.url)),
    )
    // Where it stands in another replica says nothing of this one.
    return other === null ? status : { ...status, timeline: null, txid: null }
  }

/** null: none lives, or it has not said anything yet. */
const livingAgent = async ({ stateFolder }: SystemSettings) => {
  const pid = agentPid(stateFolder)
  const record = await agentStateIn(stateFolder).read()
  return pid === null || record?.pid !== pid ? null : record
}

/** What SQLite the bot has: of every process that has the database open and is not our capture. */
const botSqlite = async ({ ports }: System, database: string) => {
  const processes = await strangersOn(ports, database).then(
    (strangers) => strangers.processes,
    (error: unknown) => {
      // To a user who may not ask who captures, the rest of the screen is worth as much.
      if (isDrError(error)) return null
      throw error
    },
  )
  return processes === null
    ? null
    : Promise.all(processes.map(async (one) => ({ ...one, version: await logReaders.sqliteVersion(one.pid) })))
}

async function databaseFacts(path: string): Promise<Status['database']> {
  if ((await databaseFiles.stat(path)) === null) return { path, exists: false, journal: null }
  const journal = await journalModeOf(path).catch((error: unknown) => {
    if (isDrError(error)) return undefined
    throw error
  })
  return { path, exists: true, journal: journal === undefined ? null : (journal ?? 'not SQLite') }
}

const backups = (settings: SystemSettings, { store }: System, { lagMs }: ReplicationStatus) =>
  backupStatus({ store, verifications: verificationsOf(settings) }, settings.database, nodeClock.wallMs(), lagMs)

const status = (settings: SystemSettings, config: Config) => async (system: System) => {
  const { ports, world } = system
  const { service } = ports
  const replicated = await replication(settings)(system)
  return statusOf({
    system: config.name,
    database: await databaseFacts(settings.database),
    service: service === null ? null : { description: service.description, state: await service.state(), caveat: service.caveat },
    words: service === null ? null : await botWords(service, settings),
    latch: await ports.latch.read(),
    latchGap: await latchGap(settings),
    replication: replicated,
    backup: await backups(settings, system, replicated),
    lastRun: lastRun(await listRuns(world.journal)),
    older: await ports.capture.older(),
    replicaOf: await otherDatabaseOf(ports, settings.database),
    botSqlite: await botSqlite(system, settings.database),
    agent: await livingAgent(settings),
    configuration: config.file === null ? null : { changedAtMs: changedAtMs(config.file) },
    notifiers: ports.notifiers.length,
    nowMs: nodeClock.wallMs(),
  })
}

const validateNow =
  (settings: SystemSettings) =>
  ({ ports, world }: System) =>
    validate(ports, verificationsOf(settings), world.settings('validate'), `${settings.database}.genesis-dr-validate-${newRunId(world)}`)

const validateAgain =
  (runId: string) =>
  async ({ ports, world }: System) =>
    validateRun(ports, world.settings(runId), await stateOfRun(world.journal, runId))
