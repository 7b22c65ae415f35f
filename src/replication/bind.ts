/** Which file is the database of which timeline, and the fork that a restored one goes on with. */
import { DrError } from '../errors.ts'
import type { CaptureFork } from '../ports/capture-control.ts'
import type { CaptureState, OlderDatabase, UnprovenPages } from '../ports/capture-state.ts'
import type { BornFile } from '../ports/live-database.ts'
import type { Catalogue } from '../replica/catalogue.ts'
import type { Timeline } from '../replica/timeline.ts'
import { beginFork, numberOf, type TimelineWorld } from './begin-timeline.ts'
import { olderAfter } from './older-after.ts'
import { unprovenUpTo } from './unproven-up-to.ts'

export interface BindWorld extends TimelineWorld {
  readonly state: CaptureState
}

export interface Told {
  readonly older: readonly OlderDatabase[]
  readonly unproven: UnprovenPages | null
}

/**
 * From now on this file is the database of that timeline, whatever becomes of its content. At a beginning it is said before the first point is
 * published: whoever dies right after that would be refused, when the bot has rewritten the file meanwhile.
 */
export function bind(
  { state, store, databasePath }: BindWorld,
  file: BornFile,
  timeline: Pick<Timeline, 'number' | 'id'>,
  told: Told,
): Promise<void> {
  const of = { timeline: numberOf(timeline), timelineId: timeline.id, beginning: null, ...told }
  const { device, inode, bornMs } = file
  return state.write({ path: databasePath, device, inode, bornMs, replica: store.url, ...of })
}

/**
 * The timeline of a file that was restored to that point. The file is bound to it before anybody can see it: if we die in between, the next
 * attach goes on with it, whatever the bot has committed since. `file` null: there is none to bind.
 * @throws POINT_NOT_FOUND, and as beginFork
 */
export async function forkRestored(world: BindWorld, catalogue: Catalogue, file: BornFile | null, fork: CaptureFork): Promise<Timeline> {
  const parent = catalogue.timelines.find(({ number }) => number === fork.timeline)
  if (parent === undefined) {
    throw new DrError('POINT_NOT_FOUND', {
      what: `the replica ${world.store.url} has no timeline ${fork.timeline} to go on from`,
      untouched: 'Nothing was published.',
      next: 'Look at genesis-dr backup-status, then start genesis-dr replicate: it looks at database and replica and says what it does.',
    })
  }
  const known = await world.state.read()
  const told = { older: olderAfter(fork, world.store.url, known), unproven: unprovenUpTo(fork.txid, known) }
  return beginFork(world, catalogue, parent, fork.txid, async (timeline) => {
    if (file !== null) await bind(world, file, timeline, told)
  })
}
