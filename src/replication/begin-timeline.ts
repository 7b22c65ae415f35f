/**
 * Beginning a timeline: the claim first, then the files of the restore plan for the fork, linked inside the store.
 * If we die after the claim: the timeline is not complete, a restore uses the parent, and the next beginning of the same fork goes on here.
 * If we die between two links: the same. Safe to repeat: yes, because what exists is left as it is.
 */
import { assert } from '../assert.ts'
import { DrError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Random } from '../ports/random.ts'
import type { Catalogue, CatalogueTimeline } from '../replica/catalogue.ts'
import { fileKey, formatTimeline, timelineKey } from '../replica/layout.ts'
import { planRestore } from '../replica/plan.ts'
import { encodeTimeline, type Timeline } from '../replica/timeline.ts'

export interface TimelineWorld {
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  /** Absolute. */
  readonly databasePath: string
}

/** A timeline with no parent, for a replica that is empty. @throws TIMELINE_SEALED */
export function beginFirstTimeline(world: TimelineWorld, catalogue: Catalogue): Promise<Timeline> {
  return claim(world, catalogue, null, async () => {})
}

/** Told which timeline it will be, before anybody else can see it; resolves when that is durable. */
export type Announce = (timeline: Timeline) => Promise<void>

/** A complete timeline whose newest point is `txid` of `parent`. @throws TIMELINE_SEALED, POINT_NOT_FOUND, REPLICA_GAP */
export async function beginFork(
  world: TimelineWorld,
  catalogue: Catalogue,
  parent: CatalogueTimeline,
  txid: number,
  announce: Announce = async () => {},
): Promise<Timeline> {
  assert(parent.number !== null, 'a replica of Litestream has no timelines to fork')
  const plan = planRestore(parent.files, { txid })
  const begun = unfinished(catalogue, parent, txid)
  if (begun !== null) await announce(begun)
  const timeline = begun ?? (await claim(world, catalogue, { number: parent.number, id: parent.id, forkTxid: txid }, announce))
  const { store } = world
  for (const file of plan.files) {
    await store.link(file.key, fileKey(store.layout, timeline.number, file.level, file.minTxid, file.maxTxid))
  }
  return timeline
}

/** The newest timeline, when it is this very fork and nothing was added to it. */
function unfinished(catalogue: Catalogue, parent: CatalogueTimeline, txid: number): Timeline | null {
  const newest = catalogue.timelines.at(-1)
  if (newest?.parent?.number !== parent.number || newest.parent.id !== parent.id || newest.parent.forkTxid !== txid) return null
  return newest.latestTxid <= txid ? newest : null
}

async function claim(
  { store, clock, random, databasePath }: TimelineWorld,
  catalogue: Catalogue,
  parent: Timeline['parent'],
  announce: Announce,
): Promise<Timeline> {
  if (catalogue.foreign) {
    throw new DrError('REPLICA_FOREIGN', {
      what: `${store.url} was written by Litestream`,
      untouched: 'Nothing was written to it.',
      next: 'Give another folder with --replica; recover, validate and backup-status read this one as it is.',
    })
  }
  const taken = [...catalogue.timelines, ...catalogue.damaged].map((one) => Number.parseInt(one.number ?? '0', 16))
  const number = formatTimeline(Math.max(0, ...taken) + 1)
  const timeline: Timeline = { number, id: random.hex(8), parent, database: databasePath, createdAtMs: clock.wallMs() }
  await announce(timeline)
  const outcome = await store.create(timelineKey(number), encodeTimeline(timeline), timeline.createdAtMs)
  if (outcome === 'created') return timeline
  throw new DrError('TIMELINE_SEALED', {
    what: `somebody else began timeline ${number} of ${store.url} at this moment`,
    untouched: 'Nothing was published to it.',
    next: 'Make sure that one capture only writes to this replica, then start it again.',
  })
}

/** @throws REPLICA_FOREIGN */
export function numberOf({ number }: Pick<Timeline, 'number'>): string {
  if (number !== null) return number
  throw new DrError('REPLICA_FOREIGN', {
    what: 'a replica of Litestream is never written',
    untouched: 'Nothing was written.',
    next: 'Give another folder with --replica.',
  })
}
