/**
 * A replica of a database of one page, made file by file: whatever a test needs there, and nothing more. Each file writes the number of its
 * last txid all over the page, so that a restore shows what it followed.
 */
import { pageChecksum } from '../../src/ltx/checksum.ts'
import { encodeLtx } from '../../src/ltx/encode.ts'
import { encodeRestorePoint, reservedBytes } from '../../src/ltx/restore-point.ts'
import type { ObjectStore } from '../../src/ports/object-store.ts'
import { fileKey, snapshotLevel, timelineKey } from '../../src/replica/layout.ts'
import { encodeTimeline, type Timeline } from '../../src/replica/timeline.ts'

export const smallPage = 512

export interface SmallFile {
  /** null: Litestream's own replica. */
  readonly timeline: string | null
  readonly level: number
  readonly minTxid: number
  readonly maxTxid: number
  /** null: the file says nothing of itself, as those of Litestream. */
  readonly commits?: number | null
  /** What the header says: ms since the epoch. */
  readonly timestampMs?: number
  /** What the store says; the same, if not given. */
  readonly storeMs?: number
}

/** A second a txid: point 3 is of second 3. */
export const timeOf = (txid: number): number => txid * 1000

export function contentAt(txid: number): Uint8Array {
  return new Uint8Array(smallPage).fill(txid)
}

/** Its key. */
export async function putFile(store: ObjectStore, file: SmallFile): Promise<string> {
  const { timeline, level, minTxid, maxTxid, commits = 1, timestampMs = timeOf(maxTxid), storeMs = timestampMs } = file
  const page = contentAt(maxTxid)
  const said = { postApply: pageChecksum(1, page), frameChecksum: null, commits: commits ?? 0, spanMs: 0 }
  const header = {
    noChecksum: true,
    pageSize: smallPage,
    commit: 1,
    minTxid,
    maxTxid,
    timestampMs,
    preApply: 0n,
    walOffset: 32,
    walSize: 0,
    walSalt1: 0,
    walSalt2: 0,
    nodeId: 0n,
    reserved: commits === null ? new Uint8Array(reservedBytes) : encodeRestorePoint(said),
  }
  const key = fileKey(store.layout, timeline, level, minTxid, maxTxid)
  await store.create(key, encodeLtx(header, [[1, page]]), storeMs)
  return key
}

export async function putTimeline(store: ObjectStore, number: string, parent: Timeline['parent'] = null): Promise<Timeline> {
  const timeline = { number, id: `id-of-${number}`, parent, database: null, createdAtMs: 0 }
  await store.create(timelineKey(number), encodeTimeline(timeline), 0)
  return timeline
}

/** A timeline with a snapshot at its first txid and a flush for each of the others. */
export async function putHistory(
  store: ObjectStore,
  number: string,
  txids: readonly number[],
  parent: Timeline['parent'] = null,
): Promise<Timeline> {
  const timeline = await putTimeline(store, number, parent)
  for (const [at, txid] of txids.entries()) {
    const snapshot = at === 0 && parent === null
    await putFile(store, { timeline: number, level: snapshot ? snapshotLevel : 0, minTxid: snapshot ? 1 : txid, maxTxid: txid })
  }
  return timeline
}

export const forkOf = (parent: Timeline, forkTxid: number): Timeline['parent'] => ({ number: parent.number ?? '', id: parent.id, forkTxid })
