/** Which restore point a person means: by txid, by time, the newest, or the newest good one; and the files that lead there. */
import type { DrainOutcome } from '../ports/capture-control.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, chooseTimeline, reachablePoints, readCatalogue } from '../replica/catalogue.ts'
import { commitsIn } from '../replica/commits.ts'
import type { ReplicaFile } from '../replica/layout.ts'
import { planRestore, pointAtTime, type RestorePlan, timesOf } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'
import { isoTime } from '../units.ts'

export type PointTarget =
  | { readonly kind: 'latest' | 'last-good' }
  | { readonly kind: 'txid'; readonly txid: number }
  | { readonly kind: 'time'; readonly epochMs: number }

export interface ChosenPoint {
  readonly timeline: CatalogueTimeline
  /** Of the last good point, which nobody knows before looking: the newest that can be reached, where the search begins. */
  readonly plan: RestorePlan
}

/** The timeline of the database itself, which is not always the newest of the replica; null where the drain does not name one. */
export function drainedTimeline(drained: Pick<DrainOutcome, 'timeline'> | null | undefined): string | null {
  // The capture of a replica that Litestream wrote drains to no timeline.
  return drained == null || drained.timeline === '' ? null : drained.timeline
}

/** `number`: of a timeline; null: the newest complete one. @throws POINT_NOT_FOUND, REPLICA_EMPTY, REPLICA_GAP, LTX_DAMAGED */
export async function choosePoint(store: ObjectStore, number: string | null, target: PointTarget): Promise<ChosenPoint> {
  const timeline = chooseTimeline(await readCatalogue(store), number)
  return { timeline, plan: await planFor(store, timeline, target) }
}

async function planFor(store: ObjectStore, timeline: CatalogueTimeline, target: PointTarget): Promise<RestorePlan> {
  const { files } = timeline
  switch (target.kind) {
    case 'latest':
      return planRestore(files, 'latest')
    case 'txid':
      return planRestore(files, { txid: target.txid })
    case 'time':
      return planRestore(files, { txid: (await pointByHeaders(store, reachablePoints(timeline), target.epochMs)).maxTxid })
    case 'last-good': {
      const plan = planRestore(files, 'newest-reachable')
      // Where nothing can be reached, the stricter plan says why.
      return plan.txid > 0 ? plan : planRestore(files, 'latest')
    }
  }
}

/**
 * What is to be known of a point that was chosen by its time, as sentences: that nothing between it and the next one can be had, because a
 * capture found the database changed there without the commits that did it; or that the times of the points do not follow each other.
 */
export async function aboutPoint(
  store: ObjectStore,
  target: PointTarget,
  timeline: CatalogueTimeline,
  txid: number,
): Promise<readonly string[]> {
  // The files of Litestream do not say what is in them.
  if (target.kind !== 'time' || timeline.number === null) return []
  const points = reachablePoints(timeline)
  const at = points.findIndex(({ maxTxid }) => maxTxid === txid)
  const [point, next] = [points[at], points[at + 1]]
  if (point === undefined) return []
  const elsewhere = await otherTimelineThen(store, timeline, point, target.epochMs)
  return [...elsewhere, ...(next === undefined ? [] : await aboutNext(store, point, next))]
}

/** At that time the database was on another timeline, which was given up since. */
async function otherTimelineThen(
  store: ObjectStore,
  chosen: CatalogueTimeline,
  point: ReplicaFile,
  epochMs: number,
): Promise<readonly string[]> {
  const { timelines } = await readCatalogue(store)
  const then = timelines.findLast(
    (one) =>
      one.number !== chosen.number &&
      reachablePoints(one).some(
        ({ timestampMs, maxTxid }) => timestampMs > point.timestampMs && timestampMs <= epochMs && maxTxid > point.maxTxid,
      ),
  )
  if (then?.number == null) return []
  return [
    `at that time the database was on timeline ${then.number}, which has later points than this one of ${isoTime(point.timestampMs)}: --timeline ${then.number} restores from it`,
  ]
}

/** Chosen: flushes are 50 ms apart while a bot trades; behind a longer time its commits were copied when a capture began to run again, say. */
const pieceMs = 1000

async function aboutNext(store: ObjectStore, point: ReplicaFile, next: ReplicaFile): Promise<readonly string[]> {
  const [from, header] = [await readHeader(store, point.key), await readHeader(store, next.key)]
  const span = `between ${isoTime(from.timestampMs)} and ${isoTime(header.timestampMs)}`
  const hole = `${span} the replica has no restore point: what was committed then was not copied commit by commit, or the replica lost it`
  const back = `the clock was set back behind this point (the next one is of ${isoTime(header.timestampMs)}): --txid names a point whatever its time is`
  const commits = commitsIn(next, header)
  const piece =
    (commits ?? 0) > 1 && header.timestampMs - from.timestampMs > pieceMs
      ? [
          `the next restore point, of ${isoTime(header.timestampMs)}, brings ${commits} commits in one piece, which may have been made at any time since this one`,
        ]
      : []
  return [...(commits === null ? [hole] : piece), ...(header.timestampMs < from.timestampMs ? [back] : [])]
}

/**
 * The store's times lead to the point; the times inside of the files decide. They differ where somebody copied the replica and lost the
 * times: then every header is read.
 */
async function pointByHeaders(store: ObjectStore, points: readonly ReplicaFile[], epochMs: number): Promise<ReplicaFile> {
  const found = points.findLastIndex((point) => point.timestampMs <= epochMs)
  const { earliest, latest } = timesOf(points) ?? {}
  const looked = [points[0], points[found], points[found + 1], points.at(-1), earliest, latest].flatMap((point) => point ?? [])
  const times = await Promise.all(looked.map(async (point) => (await readHeader(store, point.key)).timestampMs))
  if (looked.every((point, at) => point.timestampMs === times[at])) return pointAtTime(points, epochMs)
  const withTimes: ReplicaFile[] = []
  for (const point of points) withTimes.push({ ...point, timestampMs: (await readHeader(store, point.key)).timestampMs })
  return pointAtTime(withTimes, epochMs)
}
