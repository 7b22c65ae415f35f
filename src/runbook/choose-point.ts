/** Which restore point a person means: by txid, by time, the newest, or the newest good one. */
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, chooseTimeline, reachablePoints, readCatalogue } from '../replica/catalogue.ts'
import type { ReplicaFile } from '../replica/layout.ts'
import { pointAtTime } from '../replica/plan.ts'
import { readHeader } from '../replica/read-object.ts'

export type PointTarget =
  | { readonly kind: 'latest' | 'last-good' }
  | { readonly kind: 'txid'; readonly txid: number }
  | { readonly kind: 'time'; readonly epochMs: number }

export interface ChosenPoint {
  readonly timeline: CatalogueTimeline
  readonly target: 'latest' | { readonly txid: number }
}

/** @throws POINT_NOT_FOUND, REPLICA_EMPTY */
export async function choosePoint(
  store: ObjectStore,
  number: string | null,
  target: Exclude<PointTarget, { kind: 'last-good' }>,
): Promise<ChosenPoint> {
  const timeline = chooseTimeline(await readCatalogue(store), number)
  if (target.kind === 'txid') return { timeline, target: { txid: target.txid } }
  if (target.kind !== 'time') return { timeline, target: 'latest' }
  return { timeline, target: { txid: (await pointByHeaders(store, reachablePoints(timeline), target.epochMs)).maxTxid } }
}

/**
 * The store's times lead to the point; the times inside of the files decide. They differ where somebody copied the replica and lost the
 * times: then every header is read.
 */
async function pointByHeaders(store: ObjectStore, points: readonly ReplicaFile[], epochMs: number): Promise<ReplicaFile> {
  const found = points.findLastIndex((point) => point.timestampMs <= epochMs)
  const looked = [0, found, found + 1, points.length - 1].flatMap((index) => points[index] ?? [])
  const times = await Promise.all(looked.map(async (point) => (await readHeader(store, point.key)).timestampMs))
  if (looked.every((point, at) => point.timestampMs === times[at])) return pointAtTime(points, epochMs)
  const withTimes: ReplicaFile[] = []
  for (const point of points) withTimes.push({ ...point, timestampMs: (await readHeader(store, point.key)).timestampMs })
  return pointAtTime(withTimes, epochMs)
}
