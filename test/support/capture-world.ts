/** The world of a capture that runs in the process of its test: real files in one folder, and what it told. */
import { join } from 'node:path'
import { captureStateIn } from '../../src/adapters/filesystem/capture-state.ts'
import { keptRotIn } from '../../src/adapters/filesystem/kept-rot.ts'
import { keptSumsIn } from '../../src/adapters/filesystem/kept-sums.ts'
import { openLogFile } from '../../src/adapters/filesystem/log-file.ts'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { recoveryMemoryIn } from '../../src/adapters/filesystem/recovery-memory.ts'
import { nodeClock } from '../../src/adapters/node/clock.ts'
import { nodeRandom } from '../../src/adapters/node/random.ts'
import { openLiveDatabase } from '../../src/adapters/sqlite/live-database.ts'
import type { CaptureEvent } from '../../src/replication/capture-event.ts'
import type { CaptureWorld } from '../../src/replication/capture-world.ts'

export type ToldWorld = CaptureWorld & { readonly events: CaptureEvent[] }

/** Of the database at `path`, with its replica and all that is kept beside it in `folder`. */
export async function captureWorld(folder: string, path: string, over: Partial<CaptureWorld> = {}): Promise<ToldWorld> {
  const events: CaptureEvent[] = []
  return {
    store: await openFolderStore('file:replica', join(folder, 'replica')),
    clock: nodeClock,
    random: nodeRandom,
    state: captureStateIn(folder),
    keptSums: keptSumsIn(folder),
    keptRot: keptRotIn(folder),
    unfinished: recoveryMemoryIn(folder),
    openDatabase: () => openLiveDatabase(path),
    deserted: async () => false,
    openLog: () => openLogFile(path, folder, () => true),
    onEvent: (event) => events.push(event),
    flushIntervalMs: 50,
    scrubTurnMs: 3_600_000,
    databasePath: path,
    ...over,
    events,
  }
}
