/**
 * Who captures the database now: the process that holds the capture lock, reached by its control socket; or nobody, and then we work
 * from the files at rest while we hold that lock ourselves.
 */
import { existsSync, realpathSync } from 'node:fs'
import { captureClient, captureListens } from './adapters/control/client.ts'
import { captureLockPath } from './adapters/filesystem/capture-lock.ts'
import { captureStateIn } from './adapters/filesystem/capture-state.ts'
import { keptSumsIn } from './adapters/filesystem/kept-sums.ts'
import { lockHolder, type ProcessLock, waitForLock } from './adapters/filesystem/process-lock.ts'
import { openRestingDatabase } from './adapters/filesystem/resting-database.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { nodeRandom } from './adapters/node/random.ts'
import { DrError, isDrError } from './errors.ts'
import type { ObjectStore } from './ports/object-store.ts'
import { olderFacts } from './replication/older-facts.ts'
import { restingCapture } from './replication/resting.ts'
import type { Captor, CaptureAccess } from './runbook/runbook.ts'

export interface OwnedAccess extends CaptureAccess {
  /** Gives the capture lock back, if we hold it. */
  close(): void
}

/** Chosen: who only looks holds the lock for an instant, and a capture listens within 0.1 s of having it; 2 s is far longer. */
const settleMs = 2000

/** 'act' keeps the lock until `close`; 'look' gives it back at once, so that looking never stands in the way of a capture. */
export function captureAccess(database: string, captureFolder: string, store: ObjectStore, use: 'act' | 'look'): OwnedAccess {
  let held: ProcessLock | null = null
  const path = captureLockPath(captureFolder)
  const state = captureStateIn(captureFolder)
  const resting = restingCapture({
    store,
    clock: nodeClock,
    random: nodeRandom,
    databasePath: database,
    state,
    keptSums: keptSumsIn(captureFolder),
    openAtRest: () => openRestingDatabase(database),
  })
  const nobody: Captor = { pid: null, control: resting }
  const reach = async (): Promise<Captor> => {
    if (held !== null || (use === 'look' && !existsSync(path))) return nobody
    const lock = await waitForLock(path, 'recovery', settleMs, () => captureListens(captureFolder))
    if (lock === null) return { pid: holderOf(path), control: captureClient(captureFolder) }
    if (use === 'look') lock.release()
    else held = lock
    return nobody
  }
  return {
    reach,
    otherReplica: async () => {
      try {
        const captor = await reach()
        if (captor.pid === null) return null
        const { replica } = await captor.control.position()
        return samePlace(replica, store.url) ? null : replica
      } catch (error) {
        if (isDrError(error)) return null
        throw error
      }
    },
    knownFile: async () => {
      const binding = await state.read()
      return binding?.path === database ? { device: binding.device, inode: binding.inode } : null
    },
    older: () => olderFacts(state, store),
    timelineOf: async ({ device, inode }) => {
      const binding = await state.read()
      return binding?.device === device && binding.inode === inode && binding.replica === store.url ? binding.timelineId : null
    },
    close: () => {
      held?.release()
      held = null
    },
  }
}

/** By any names of one folder. */
function samePlace(one: string, other: string): boolean {
  const folder = (url: string): string => realPlaceOf(url.replace(/^file:/, ''))
  return one === other || folder(one) === folder(other)
}

const realPlaceOf = (path: string): string => (existsSync(path) ? realpathSync(path) : path)

/** @throws CAPTURE_SILENT */
function holderOf(path: string): number {
  const holder = lockHolder(path)
  if (holder !== null) return holder.pid
  throw new DrError('CAPTURE_SILENT', {
    what: `a process holds ${path}, and ${path}.pid does not say which`,
    untouched: 'Nothing was done.',
    next: 'Repeat it; if it stays so, find the process (fuser shows who has the file open) and start genesis-dr replicate again.',
  })
}
