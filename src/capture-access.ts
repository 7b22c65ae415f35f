/**
 * Who captures the database now: the process that holds the capture lock, reached by its control socket; or nobody, and then we work
 * from the files at rest while we hold that lock ourselves.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { captureClient, captureListens } from './adapters/control/client.ts'
import { captureStateIn } from './adapters/filesystem/capture-state.ts'
import { lockHolder, type ProcessLock, takeProcessLock } from './adapters/filesystem/process-lock.ts'
import { openRestingDatabase } from './adapters/filesystem/resting-database.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { nodeRandom } from './adapters/node/random.ts'
import type { ObjectStore } from './ports/object-store.ts'
import { restingCapture } from './replication/resting.ts'
import type { CaptureAccess } from './runbook/runbook.ts'

export interface OwnedAccess extends CaptureAccess {
  /** Gives the capture lock back, if we hold it. */
  close(): void
}

export function captureLockPath(stateFolder: string): string {
  return join(stateFolder, 'capture.lock')
}

/** Chosen: who only looks holds the lock for an instant, and a capture listens within 0.1 s of having it; 2 s is far longer. */
const settleMs = 2000

/** 'act' keeps the lock until `close`; 'look' gives it back at once, so that looking never stands in the way of a capture. */
export function captureAccess(database: string, stateFolder: string, store: ObjectStore, use: 'act' | 'look'): OwnedAccess {
  let held: ProcessLock | null = null
  const path = captureLockPath(stateFolder)
  const resting = restingCapture({
    store,
    clock: nodeClock,
    random: nodeRandom,
    databasePath: database,
    pid: process.pid,
    state: captureStateIn(stateFolder),
    openAtRest: () => openRestingDatabase(database),
  })
  const nobody = { pid: null, control: resting }
  return {
    reach: async () => {
      const deadline = nodeClock.monotonicMs() + settleMs
      for (;;) {
        if (held !== null || (use === 'look' && !existsSync(path))) return nobody
        const lock = takeProcessLock(path)
        if (lock !== null) {
          if (use === 'look') lock.release()
          else held = lock
          return nobody
        }
        if ((await captureListens(stateFolder)) || nodeClock.monotonicMs() > deadline) {
          return { pid: lockHolder(path), control: captureClient(stateFolder) }
        }
        await nodeClock.sleep(50)
      }
    },
    close: () => {
      held?.release()
      held = null
    },
  }
}
