/**
 * Whether a database is older than its replica, and at which of its restore points the two parted. What proves most is asked first:
 * 1. its rolling checksum is that of a point: it is that point;
 * 2. the last frame of a point stands in its log, and that point with the commits behind it is what the file is: it parted there, and the
 *    log says how many commits followed;
 * 3. of all points, the pages of one are nearest: it parted there or on the way to the next one.
 * Where the capture saw the log go that holds what the file lacks, it knows without any search how far the file had it.
 */
import type { LtxHeader } from '../ltx/header.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, reachablePoints } from '../replica/catalogue.ts'
import { findPages } from '../replica/find-pages.ts'
import type { ReplicaFile } from '../replica/layout.ts'
import { PageSums } from '../replica/page-sums.ts'
import { planRestore } from '../replica/plan.ts'
import { sumPlan } from '../replica/point-sums.ts'
import { readHeader } from '../replica/read-object.ts'
import { readPlan } from '../replica/read-plan.ts'
import { decodeDatabaseHeader } from '../wal/database-header.ts'
import { type Base, readPage } from './base-scan.ts'
import { framesUpTo, placeInLog } from './last-point.ts'
import { type LogBehind, nothingBehind, readBehind } from './log-behind.ts'

export interface Ancestor {
  readonly txid: number
  readonly proof: 'content' | 'log' | 'pages' | 'kept' | 'left'
  /** Its last frame stands in the log, which ends before that of the newest point: the database went back for certain. */
  readonly inLog: boolean
  /** Checksums of every page at that point. */
  readonly sums: PageSums
  /** The newest point that the database may have reached: the same, or the next one. */
  readonly reachedTxid: number
  /** By the log: what it has behind that point; null otherwise. */
  readonly behind: LogBehind | null
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

export interface Search {
  /** How many points are asked by their headers. */
  readonly lookBack: number | 'all'
  /** It is known to have gone back, so that a page which is not there yet is as it was. Otherwise it may have shrunk since. */
  readonly wentBack: boolean
  /** The pages are compared too where that takes no more than so many bytes of the replica, and believed where at least so many differ. */
  readonly pages: { readonly withinBytes: number; readonly fewest: number }
}

/** A search that leaves nothing out. Of a single page nothing is believed. */
export const everywhere: Omit<Search, 'wentBack'> = { lookBack: 'all', pages: { withinBytes: Number.POSITIVE_INFINITY, fewest: 2 } }

export async function findAncestor(suspect: Suspect, { lookBack, wentBack, pages }: Search): Promise<Ancestor | null> {
  const older = reachablePoints(suspect.timeline).filter((point) => point.maxTxid < suspect.timeline.latestTxid)
  const looked = lookBack === 'all' ? older : older.slice(-lookBack)
  let asked = false
  for (const point of looked.toReversed()) {
    const header = await readHeader(suspect.store, point.key)
    const found = byContent(suspect, point, header)
    if (found !== null) return found
    const behind: LogBehind | null = asked ? null : (placeInLog(suspect.bytes, suspect.base, header)?.behind ?? null)
    // Once: what an older point comes to by the same log is the same, and to sum a point up is to read the replica.
    asked ||= behind !== null
    const ancestor = behind === null ? null : await byLog(suspect, point, behind)
    if (ancestor !== null) return ancestor
  }
  const { sizeBytes } = planRestore(suspect.timeline.files, 'newest-reachable')
  return sizeBytes <= pages.withinBytes ? byPages(suspect, wentBack, pages.fewest) : null
}

/** By what a capture kept beside the database, which is of that point: where the pages tell nothing, it is what is left to go by. */
export async function ancestorByKept(suspect: Suspect, txid: number): Promise<Ancestor> {
  return { txid, proof: 'kept', inLog: false, sums: await sumsAt(suspect, txid), reachedTxid: suspect.timeline.latestTxid, behind: null }
}

/** A log that nobody uses any more, and that the file does not have whole. */
export interface LeftLog {
  readonly salt1: number
  readonly salt2: number
  /** Frames of it that are in the file. */
  readonly backfilled: number
}

/**
 * By the log that was left: the file has what came before it. Of what was backfilled it has only those pages that did not change again behind
 * that, because a checkpoint leaves out what it would have to write twice: so it stands somewhere in between, if it is of one piece at all.
 */
export async function ancestorByLeft(suspect: Suspect, left: LeftLog): Promise<Ancestor | null> {
  const { store, timeline } = suspect
  /** From the newest back to the one before that log, or to the first of all. `frames`: of that log, up to there. */
  const points: { readonly txid: number; readonly frames: number }[] = []
  for (const { maxTxid: txid, key } of reachablePoints(timeline).toReversed()) {
    const header = await readHeader(store, key)
    const within = header.walSalt1 === left.salt1 && header.walSalt2 === left.salt2
    points.push({ txid, frames: within ? framesUpTo(header) : 0 })
    if (!within) break
  }
  const before = points.at(-1)
  if (before === undefined) return null
  const { txid } = before
  const reached = points.find(({ frames }) => frames <= left.backfilled)
  const reachedTxid =
    reached === undefined || reached.frames === left.backfilled ? (reached ?? before).txid : nextAfter(suspect, reached.txid)
  return { txid, proof: 'left', inLog: false, sums: await sumsAt(suspect, txid), reachedTxid, behind: null }
}

/** The counter in the first page of the database is lower than in that of the replica. False proves nothing: few transactions count it up. */
export async function counterWentBack({ store, timeline, bytes, base }: Suspect): Promise<boolean> {
  const newest = (await findPages(store, planRestore(timeline.files, 'newest-reachable'), new Set([1]))).get(1)
  const now = decodeDatabaseHeader(readPage(bytes, base, 1))
  const then = newest === undefined ? null : decodeDatabaseHeader(newest.content)
  return now !== null && then !== null && now.changeCounter < then.changeCounter
}

function byContent({ bytes, base, sums }: Suspect, { maxTxid: txid }: ReplicaFile, header: LtxHeader): Ancestor | null {
  if (decodeRestorePoint(header.reserved)?.postApply !== sums.rolling) return null
  const inLog = placeInLog(bytes, base, header) !== null
  return { txid, proof: 'content', inLog, reachedTxid: txid, sums, behind: null }
}

async function byLog(suspect: Suspect, { maxTxid: txid }: ReplicaFile, behind: LogBehind): Promise<Ancestor | null> {
  const { bytes, base, sums } = suspect
  if (base.place === null) return null
  const then = await sumsAt(suspect, txid)
  const expected = sumsBehind(then, bytes, base, behind)
  const reachedTxid = nothingBehind(behind, base.place.frames) ? txid : nextAfter(suspect, txid)
  return expected.rolling === sums.rolling ? { txid, proof: 'log', inLog: true, reachedTxid, sums: then, behind } : null
}

/** What every page must be at the end of the log, if that is what followed on what `then` says. */
export function sumsBehind(then: PageSums, bytes: DatabaseBytes, base: Base, behind: LogBehind): PageSums {
  const expected = then.copy()
  readBehind(bytes, behind, base.place?.frames ?? behind.place.frames, ({ pageNumber }, page) => {
    if (pageNumber > expected.pages) expected.resize(pageNumber)
    expected.put(pageNumber, page)
  })
  expected.resize(base.pages)
  return expected
}

const sumsAt = ({ store, timeline }: Suspect, txid: number): Promise<PageSums> => sumPlan(store, planRestore(timeline.files, { txid }))

const nextAfter = ({ timeline }: Suspect, txid: number): number =>
  reachablePoints(timeline).find(({ maxTxid }) => maxTxid > txid)?.maxTxid ?? txid

/**
 * The database sides with an older point when, of the pages that differ between that point and the newest, more than half are as they
 * were then. A page may come back to what it once was, so that one alone says nothing; and a page that holds nothing never does.
 */
async function byPages(suspect: Suspect, wentBack: boolean, fewest: number): Promise<Ancestor | null> {
  const nearest = await nearestPoint(suspect)
  if (nearest === null) return null
  const then = await sumsAt(suspect, nearest)
  const { all, asThen } = sides(suspect, then, suspect.newest, { absent: wentBack, empty: false })
  if (all < fewest || asThen <= all / 2) return null
  const before = reachablePoints(suspect.timeline).findLast(({ maxTxid }) => maxTxid < nearest)?.maxTxid
  // A page that is still as it was before that point: the database had not come so far.
  const sumsBefore = before === undefined ? null : await sumsAt(suspect, before)
  return before !== undefined && sumsBefore !== null && sides(suspect, sumsBefore, then, { absent: true, empty: true }).asThen > 0
    ? { txid: before, proof: 'pages', inLog: false, reachedTxid: nearest, sums: sumsBefore, behind: null }
    : { txid: nearest, proof: 'pages', inLog: false, reachedTxid: nextAfter(suspect, nearest), sums: then, behind: null }
}

interface Counted {
  /** Pages that the database does not have. */
  readonly absent: boolean
  /** Pages that are empty again: zeros on both sides. A free page is zeroed wherever secure_delete is on, as Debian builds SQLite. */
  readonly empty: boolean
}

/** Of the pages that differ between two points, how many the database has as of the first. */
function sides(
  { sums, base }: Suspect,
  then: PageSums,
  later: PageSums,
  counted: Counted,
): { readonly all: number; readonly asThen: number } {
  const pages = Math.max(then.pages, later.pages)
  const zeros = new Uint8Array(base.pageSize)
  let all = 0
  let asThen = 0
  for (let page = 1; page <= (counted.absent ? pages : Math.min(pages, sums.pages)); page++) {
    if (then.sameAs(page, later)) continue
    const sidesWithThen = sums.sameAs(page, then)
    if (sidesWithThen && !counted.empty && sums.isOf(page, zeros)) continue
    all++
    if (sidesWithThen) asThen++
  }
  return { all, asThen }
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
