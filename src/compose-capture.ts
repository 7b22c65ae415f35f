/** The continuous copy of one database, put together; a process that only copies loads nothing but this. */
import { serveControl } from './adapters/control/server.ts'
import { beatEveryMs } from './adapters/control/watch-pipe.ts'
import { captureLockPath } from './adapters/filesystem/capture-lock.ts'
import { captureStateIn } from './adapters/filesystem/capture-state.ts'
import { databaseFiles } from './adapters/filesystem/database-files.ts'
import { diskSpaceOf } from './adapters/filesystem/disk-space.ts'
import { makeFolder } from './adapters/filesystem/durable.ts'
import { keptRotIn } from './adapters/filesystem/kept-rot.ts'
import { keptSumsIn } from './adapters/filesystem/kept-sums.ts'
import { openLogFile } from './adapters/filesystem/log-file.ts'
import { openFolderStore } from './adapters/filesystem/object-store.ts'
import { describeHolder, lockHolder, type ProcessLock, waitForLock } from './adapters/filesystem/process-lock.ts'
import { recoveryMemoryIn } from './adapters/filesystem/recovery-memory.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { nodeRandom } from './adapters/node/random.ts'
import { ownPid } from './adapters/proc/lock-table.ts'
import { openFilesFromProc } from './adapters/proc/open-files.ts'
import { openLiveDatabase, requireFollowable } from './adapters/sqlite/live-database.ts'
import { watchedDatabase } from './adapters/sqlite/watched-database.ts'
import type { Config } from './config.ts'
import { DrError } from './errors.ts'
import type { DrainOutcome } from './ports/capture-control.ts'
import type { CaptureWatch } from './ports/capture-watch.ts'
import type { LiveDatabase } from './ports/live-database.ts'
import type { ObjectStore } from './ports/object-store.ts'
import type { CaptureEvent } from './replication/capture-event.ts'
import { CaptureHost } from './replication/host.ts'
import { hasRoomFor } from './replication/limits.ts'

/** All that a capture is told: no secret, so that it may be given to another process. */
export type CaptureSettings = Pick<
  Config,
  'database' | 'replica' | 'captureFolder' | 'flushIntervalMs' | 'scrubTurnMs' | 'walLimitBytes' | 'freeSpaceBytes'
>

/** Those of more settings that a capture is told. */
export function captureSettingsOf(settings: CaptureSettings) {
  const { database, replica, captureFolder, flushIntervalMs, scrubTurnMs, walLimitBytes, freeSpaceBytes } = settings
  return { database, replica, captureFolder, flushIntervalMs, scrubTurnMs, walLimitBytes, freeSpaceBytes } satisfies CaptureSettings
}

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

export interface ReplicateOptions {
  readonly takeOver: boolean
  readonly signal: AbortSignal
  readonly onEvent: (event: CaptureEvent) => void
  /** Who supervises this process; null: nobody does. */
  readonly watch: CaptureWatch | null
  /** What a test puts around the ports, to stop the process within a call of one. */
  readonly around?: Around
}

export interface Around {
  readonly database: (open: () => LiveDatabase) => () => LiveDatabase
  readonly store: (store: ObjectStore) => ObjectStore
}

const nothingAround: Around = { database: (open) => open, store: (store) => store }

/**
 * Copies the database continuously until `signal` aborts, then flushes. Its connections stay open at the end on purpose: the process is
 * to exit without closing them, because the last one that closes would checkpoint and delete the log.
 * @throws CAPTURE_RUNNING, and as CaptureHost.run
 */
export async function replicate(settings: CaptureSettings, options: ReplicateOptions): Promise<DrainOutcome | null> {
  const stopBeating = beat(options.watch)
  try {
    return await follow(settings, options)
  } finally {
    stopBeating()
  }
}

async function follow(settings: CaptureSettings, options: ReplicateOptions): Promise<DrainOutcome | null> {
  const { database, captureFolder, flushIntervalMs, scrubTurnMs, walLimitBytes, freeSpaceBytes } = settings
  const { watch, around = nothingAround } = options
  const limits = { walLimitBytes, freeSpaceBytes }
  const store = around.store(await openStore(settings))
  const open = around.database(() => openLiveDatabase(database))
  requireFollowable(database)
  await makeFolder(captureFolder, 0o700)
  const lock = await takeCaptureLock(settings)
  const host = new CaptureHost(
    {
      store,
      clock: nodeClock,
      random: nodeRandom,
      deserted: async (files) => {
        const { processes, complete } = await openFilesFromProc.holders(files)
        return complete && processes.every(({ pid }) => pid === ownPid())
      },
      state: captureStateIn(captureFolder),
      keptSums: keptSumsIn(captureFolder),
      keptRot: keptRotIn(captureFolder),
      unfinished: recoveryMemoryIn(captureFolder),
      openDatabase: watch === null ? open : () => watchedDatabase(open, watch),
      openLog: () => openLogFile(database, captureFolder, (bytes) => hasRoomFor(bytes, diskSpaceOf(database), limits)),
      onEvent: options.onEvent,
      flushIntervalMs,
      scrubTurnMs,
      limits,
      diskSpace: () => diskSpaceOf(database),
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

/** Long work of ours gives way to it; what blocks or suspends the process does not. Returns how to stop it. */
function beat(watch: CaptureWatch | null): () => void {
  const stop = new AbortController()
  const goOn = async (tell: CaptureWatch['tell']): Promise<void> => {
    while (!stop.signal.aborted) {
      tell('beat')
      await nodeClock.sleep(beatEveryMs, stop.signal)
    }
  }
  if (watch !== null) void goOn(watch.tell)
  return () => stop.abort()
}

async function takeCaptureLock({ database, captureFolder }: CaptureSettings): Promise<ProcessLock> {
  const path = captureLockPath(captureFolder)
  const lock = await waitForLock(path, 'capture', lockPatienceMs)
  if (lock !== null) return lock
  const holder = lockHolder(path)
  const passing = holder?.purpose === 'recovery'
  throw new DrError('CAPTURE_RUNNING', {
    what: `${describeHolder(holder)} (${database})`,
    untouched: `Nothing was done by this command; ${passing ? 'that one' : 'that capture'} goes on.`,
    next: passing ? 'Start again when it has ended.' : 'Look at it with: genesis-dr replication-status',
  })
}
