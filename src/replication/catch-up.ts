/** Publishing, as one flush, what the log holds beyond a restore point. */
import type { Clock } from '../ports/clock.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { fileKey } from '../replica/layout.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { type Base, readPage } from './base-scan.ts'
import { applyToSums, encodeFlush, flushPages } from './flush.ts'
import { type LogBehind, nothingBehind, readBehind } from './log-behind.ts'
import { Pending } from './pending.ts'
import { publish } from './publisher.ts'

/** The restore point that is gone on from. */
export interface CatchUpFrom {
  readonly txid: number
  readonly lastCommitMs: number
  /** Pages in the database then. */
  readonly databasePages: number
  /** What the log has beyond it; null: nothing. */
  readonly behind: LogBehind | null
}

export interface CaughtUp {
  readonly txid: number
  readonly lastCommitMs: number
  readonly commits: number
}

/**
 * `sumsAtPoint` gives the checksums of every page as of that point, or of the end of the base, which is what they are of afterwards. It is
 * asked only where the log has more.
 * If we die here: the flush is whole or absent, and the next catch-up finds the log as it was. Safe to repeat: yes.
 */
export async function catchUp(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  timeline: string,
  last: CatchUpFrom,
  bytes: DatabaseBytes,
  base: Base,
  sumsAtPoint: () => Promise<PageSums>,
): Promise<CaughtUp> {
  const { behind } = last
  const end = base.place
  if (behind === null || end === null || nothingBehind(behind, end.frames))
    return { txid: last.txid, lastCommitMs: last.lastCommitMs, commits: 0 }
  const pending = new Pending()
  const seenMs = clock.wallMs()
  readBehind(bytes, behind, end.frames, (frame, page, after) => pending.add(frame, page, after, seenMs))
  const txid = last.txid + 1
  const sums = await sumsAtPoint()
  const pages = flushPages(pending, last.databasePages, base.pageSize, (number) => readPage(bytes, base, number))
  applyToSums(sums, pages, base.pages)
  const facts = {
    pageSize: base.pageSize,
    databasePages: base.pages,
    minTxid: txid,
    maxTxid: txid,
    commits: pending.commits,
    firstCommitMs: seenMs,
    lastCommitMs: seenMs,
    rolling: sums.rolling,
    fromFrame: behind.place.frames,
    end,
  }
  await publish(store, fileKey(store.layout, timeline, 0, txid, txid), encodeFlush(facts, pages), seenMs)
  return { txid, lastCommitMs: seenMs, commits: pending.commits }
}
