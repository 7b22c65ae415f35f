/** What a timeline holds beyond a fork: commits that the database which went on from there lacks. */
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, reachablePoints } from './catalogue.ts'
import { commitsIn } from './commits.ts'
import { readHeader } from './read-object.ts'

export interface GivenUp {
  /** Restore points beyond the fork. */
  readonly points: number
  /** Commits in them; null: one does not say how many it holds. */
  readonly most: number | null
  /** The same without the first of them, of which the database may have any part. */
  readonly least: number | null
}

/** 'at': the database is that very point, so that `least` equals `most`; 'after': it is that point or what came before the next one. */
export async function countGivenUp(
  store: ObjectStore,
  parent: CatalogueTimeline,
  forkTxid: number,
  parted: 'at' | 'after',
): Promise<GivenUp> {
  const points = reachablePoints(parent).filter((point) => point.maxTxid > forkTxid)
  let most: number | null = 0
  let first: number | null = null
  for (const point of points) {
    const commits = commitsIn(point, await readHeader(store, point.key))
    first ??= commits
    most = most === null || commits === null ? null : most + commits
  }
  return { points: points.length, most, least: parted === 'at' || most === null ? most : most - (first ?? 0) }
}
