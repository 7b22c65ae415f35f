/**
 * Whether a database is older than its replica, and at which of its restore points the two parted. What proves most is asked first:
 * 1. its rolling checksum is that of a point: it is that point;
 * 2. the last frame of a point stands in its log, and that point with the commits behind it is what the file is: it parted there, and the
 *    log says how many commits followed;
 * 3. of all points, the pages of one are nearest: it parted there or on the way to the next one.
 */
import type { LtxHeader } from '../ltx/header.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, reachablePoints } from '../replica/catalogue.ts'
import type { ReplicaFile } from '../replica/layout.ts'
import { PageSums } from '../replica/page-sums.ts'
import { planRestore } from '../replica/plan.ts'
import { sumPlan } from '../replica/point-sums.ts'
import { readHeader } from '../replica/read-object.ts'
import { readPlan } from '../replica/read-plan.ts'
import type { WalPosition } from '../wal/frames.ts'
import { type Base, readPage } from './base-scan.ts'
import { applyToSums } from './flush.ts'
import { placeInLog } from './last-point.ts'
import { indexFrames } from './wal-tail.ts'

export interface Ancestor {
  readonly txid: number
  readonly proof: 'content' | 'log' | 'pages'
  /** Checksums of every page at that point. */
  readonly sums: PageSums
  /** By the log: the place behind that point; null otherwise. */
  readonly place: WalPosition | null
}

export interface Suspect {
  readonly store: ObjectStore
  readonly timeline: CatalogueTimeline
  readonly bytes: DatabaseBytes
  readonly base: Base
  /** Of every page of the database as it is. */
  readonly sums: PageSums
  /** Of every page at the newest point of the timeline. */
  readonly newest: PageSums
}

/** `lookBack`: how many points are asked by their headers; only with 'all' are the pages compared too, for which the replica is read whole. */
export async function findAncestor(suspect: Suspect, lookBack: number | 'all'): Promise<Ancestor | null> {
  const older = reachablePoints(suspect.timeline).filter((point) => point.maxTxid < suspect.timeline.latestTxid)
  const looked = lookBack === 'all' ? older : older.slice(-lookBack)
  for (const point of looked.toReversed()) {
    const ancestor = await byHeader(suspect, point, await readHeader(suspect.store, point.key))
    if (ancestor !== null) return ancestor
  }
  return lookBack === 'all' ? byPages(suspect) : null
}

async function byHeader(suspect: Suspect, point: ReplicaFile, header: LtxHeader): Promise<Ancestor | null> {
  const { bytes, base, sums } = suspect
  const txid = point.maxTxid
  if (decodeRestorePoint(header.reserved)?.postApply === sums.rolling) return { txid, proof: 'content', sums, place: null }
  const place = placeInLog(bytes, base, header)
  if (place === null || base.place === null) return null
  const then = await sumsAt(suspect, txid)
  const expected = then.copy()
  const pages = [...indexFrames(bytes, place, base.place.frames).offsets.keys()]
  const written = pages.filter((page) => page <= base.pages).map((page) => [page, readPage(bytes, base, page)] as const)
  applyToSums(expected, written, base.pages)
  return expected.rolling === sums.rolling ? { txid, proof: 'log', sums: then, place } : null
}

const sumsAt = ({ store, timeline }: Suspect, txid: number): Promise<PageSums> => sumPlan(store, planRestore(timeline.files, { txid }))

/**
 * The database sides with an older point when, of the pages that differ between that point and the newest, more than half are as they
 * were then. A page may come back to what it once was, so that one alone says nothing.
 */
async function byPages(suspect: Suspect): Promise<Ancestor | null> {
  const txid = await nearestPoint(suspect)
  if (txid === null) return null
  const then = await sumsAt(suspect, txid)
  const { sums, newest } = suspect
  const between = [...then.differingFrom(newest)]
  const asThen = between.filter((page) => sums.sameAs(page, then)).length
  return between.length >= 2 && asThen > between.length / 2 ? { txid, proof: 'pages', sums: then, place: null } : null
}

/** The point with the fewest pages that the database has otherwise; of equals the newest. null: that is the newest of all. */
async function nearestPoint({ store, timeline, sums }: Suspect): Promise<number | null> {
  const plan = planRestore(timeline.files, 'newest-reachable')
  const now = new PageSums()
  let wrong = [...sums.differingFrom(now)].length
  let nearest = { txid: 0, wrong: Number.POSITIVE_INFINITY }
  let at = -1
  const reached = (): void => {
    const txid = plan.files[at]?.maxTxid
    if (txid !== undefined && wrong <= nearest.wrong) nearest = { txid, wrong }
  }
  const counting = (from: number, to: number, change: () => void): void => {
    for (let page = from; page <= to; page++) if (!now.sameAs(page, sums)) wrong--
    change()
    for (let page = from; page <= to; page++) if (!now.sameAs(page, sums)) wrong++
  }
  await readPlan(store, plan, {
    begin: (_pageSize, pages) => {
      reached()
      at++
      counting(pages + 1, now.pages, () => now.resize(pages))
    },
    page: (number, _page, high, low) => counting(number, number, () => now.set(number, high, low)),
  })
  reached()
  return nearest.txid === timeline.latestTxid ? null : nearest.txid
}
