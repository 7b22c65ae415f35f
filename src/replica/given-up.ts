/** What a timeline holds beyond a fork: commits that the database which went on from there lacks. */
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, reachablePoints } from './catalogue.ts'
import { commitsIn } from './commits.ts'
import { readHeader } from './read-object.ts'

export interface GivenUp {
  /** Commits beyond the fork; null: a file does not say how many it holds. */
  readonly most: number | null
  /** Commits beyond the newest point that the database may have reached. */
  readonly least: number | null
}

/** `forkTxid` .. `reachedTxid`: between these two points, both included, the database parted from the timeline. */
export async function countGivenUp(
  store: ObjectStore,
  parent: CatalogueTimeline,
  { txid, reachedTxid }: { readonly txid: number; readonly reachedTxid: number },
): Promise<GivenUp> {
  let most: number | null = 0
  let least: number | null = 0
  for (const point of reachablePoints(parent)) {
    if (point.maxTxid <= txid) continue
    const commits = commitsIn(point, await readHeader(store, point.key))
    most = plus(most, commits)
    if (point.maxTxid > reachedTxid) least = plus(least, commits)
  }
  return { most, least }
}

const plus = (sum: number | null, more: number | null): number | null => (sum === null || more === null ? null : sum + more)
