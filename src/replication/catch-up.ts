/** Publishing, as one flush, what the log holds beyond the last restore point. */
import type { Clock } from '../ports/clock.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { fileKey } from '../replica/layout.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { type Base, readPage } from './base-scan.ts'
import { encodeFlush, flushPages } from './flush.ts'
import type { LastPoint } from './last-point.ts'
import { Pending } from './pending.ts'
import { publish } from './publisher.ts'
import { readFrames } from './wal-tail.ts'

/**
 * `sumsAt` gives the page checksums as of the base, for the pages that are published.
 * If we die here: the flush is whole or absent, and the next catch-up finds the log as it was. Safe to repeat: yes.
 */
export async function catchUp(
  { store, clock }: { readonly store: ObjectStore; readonly clock: Clock },
  timeline: string,
  last: LastPoint,
  bytes: DatabaseBytes,
  base: Base,
  sumsAt: (pages: readonly (readonly [number, Uint8Array])[]) => Promise<PageSums>,
): Promise<{ readonly txid: number; readonly lastCommitMs: number; readonly commits: number }> {
  const from = last.place
  const end = base.place
  if (from === null || end === null || from.frames === end.frames) return { txid: last.txid, lastCommitMs: last.lastCommitMs, commits: 0 }
  const pending = new Pending()
  const seenMs = clock.wallMs()
  readFrames(bytes, from, end.frames, (frame, page, after) => pending.add(frame, page, after, seenMs))
  const txid = last.txid + 1
  const pages = flushPages(pending, last.databasePages, base.pageSize, (number) => readPage(bytes, base, number))
  const facts = {
    pageSize: base.pageSize,
    databasePages: base.pages,
    minTxid: txid,
    maxTxid: txid,
    commits: pending.commits,
    firstCommitMs: seenMs,
    lastCommitMs: seenMs,
    rolling: (await sumsAt(pages)).rolling,
    fromFrame: from.frames,
    end,
  }
  await publish(store, fileKey(store.layout, timeline, 0, txid, txid), encodeFlush(facts, pages), seenMs)
  return { txid, lastCommitMs: seenMs, commits: pending.commits }
}
