/** The continuous copy of one database, put together; a process that only copies loads nothing but this. */
import { serveControl } from './adapters/control/server.ts'
import { captureLockPath, waitForLock } from './adapters/filesystem/capture-lock.ts'
import { captureStateIn } from './adapters/filesystem/capture-state.ts'
import { databaseFiles } from './adapters/filesystem/database-files.ts'
import { makeFolder } from './adapters/filesystem/durable.ts'
import { keptSumsIn } from './adapters/filesystem/kept-sums.ts'
import { openFolderStore } from './adapters/filesystem/object-store.ts'
import { describeHolder, lockHolder, type ProcessLock } from './adapters/filesystem/process-lock.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { nodeRandom } from './adapters/node/random.ts'
import { openLiveDatabase, requireFollowable } from './adapters/sqlite/live-database.ts'
import type { Config } from './config.ts'
import { DrError } from './errors.ts'
import type { DrainOutcome } from './ports/capture-control.ts'
import type { ObjectStore } from './ports/object-store.ts'
import type { CaptureEvent } from './replication/capture-event.ts'
import { CaptureHost } from './replication/host.ts'

/** All that a capture is told: no secret, so that it may be given to another process. */
export type CaptureSettings = Pick<Config, 'database' | 'replica' | 'captureFolder' | 'flushIntervalMs' | 'scrubTurnMs'>

/** @throws CONFIG_INVALID when no replica is known */
export function openStore({ replica }: Pick<CaptureSettings, 'replica'>): Promise<ObjectStore> {
  if (replica !== null) return openFolderStore(replica.url, replica.path)
  throw new DrError('CONFIG_INVALID', {
    what: 'no replica is configured',
    untouched: 'Nothing was done.',
    next: 'Give --replica file:PATH, or "replica: file:PATH" in genesis-dr.yaml.',
  })
}

/** Chosen: whoever only looks holds the lock for an instant; 2 s is far longer. */
const lockPatienceMs = 2000

/**
 * Copies the database continuously until `signal` aborts, then flushes. Its connections stay open at the end on purpose: the process is
 * to exit without closing them, because the last one that closes would checkpoint and delete the log.
 * @throws CAPTURE_RUNNING, and as CaptureHost.run
 */
export async function replicate(
  settings: CaptureSettings,
  options: { readonly takeOver: boolean; readonly signal: AbortSignal; readonly onEvent: (event: CaptureEvent) => void },
): Promise<DrainOutcome | null> {
  const { database, captureFolder, flushIntervalMs, scrubTurnMs } = settings
  const store = await openStore(settings)
  requireFollowable(database)
  await makeFolder(captureFolder, 0o700)
  const lock = await takeCaptureLock(settings)
  const host = new CaptureHost(
    {
      store,
      clock: nodeClock,
      random: nodeRandom,
      state: captureStateIn(captureFolder),
      keptSums: keptSumsIn(captureFolder),
      openDatabase: () => openLiveDatabase(database),
      onEvent: options.onEvent,
      flushIntervalMs,
      scrubTurnMs,
      databasePath: database,
      pid: process.pid,
      databaseExists: async () => (await databaseFiles.stat(database)) !== null,
    },
    options.takeOver,
  )
  const stopServing = await serveControl(captureFolder, host)
  try {
    return await host.run(options.signal)
  } finally {
    await stopServing()
    lock.release()
  }
}

async function takeCaptureLock({ database, captureFolder }: CaptureSettings): Promise<ProcessLock> {
  const path = captureLockPath(captureFolder)
  const lock = await waitForLock(path, lockPatienceMs, undefined, 'capture')
  if (lock !== null) return lock
  const holder = lockHolder(path)
  const passing = holder?.purpose === 'recovery'
  throw new DrError('CAPTURE_RUNNING', {
    what: `${describeHolder(holder)} (${database})`,
    untouched: `Nothing was done by this command; ${passing ? 'that one' : 'that capture'} goes on.`,
    next: passing ? 'Start again when it has ended.' : 'Look at it with: genesis-dr replication-status',
  })
}
