/** From what is pending to one LTX file, and from a whole database to a snapshot. Pure but for the reading of pages. */
import { assert, must } from '../assert.ts'
import { encodeLtx, LtxEncoder } from '../ltx/encode.ts'
import type { LtxHeader } from '../ltx/header.ts'
import { lockPage } from '../ltx/lock-page.ts'
import { encodeRestorePoint } from '../ltx/restore-point.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { MiB } from '../units.ts'
import { checksumWord, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, walHeaderBytes } from '../wal/header.ts'
import { type Base, givenPage, type PageChoice, scanPages } from './base-scan.ts'
import type { Pending } from './pending.ts'

/** What the header of every file of ours says, beside its pages. */
export interface FlushFacts {
  readonly pageSize: number
  readonly databasePages: number
  readonly minTxid: number
  readonly maxTxid: number
  /** null: not known. */
  readonly commits: number | null
  readonly firstCommitMs: number
  readonly lastCommitMs: number
  readonly rolling: bigint
  /** Where the log was read from (frames before it) and up to; null when there was no log. */
  readonly fromFrame: number
  readonly end: WalPosition | null
}

/** What the file of one flush says. `fromFrame`: where the flush before it ended. */
export function flushFacts(
  pending: Pending,
  at: { readonly pageSize: number; readonly txid: number; readonly rolling: bigint; readonly fromFrame: number },
): FlushFacts {
  const { databasePages, commits, firstCommitMs, lastCommitMs } = pending
  const { pageSize, txid, rolling, fromFrame } = at
  const end = must(pending.end, 'a flush has an end in the log')
  return { pageSize, databasePages, minTxid: txid, maxTxid: txid, commits, firstCommitMs, lastCommitMs, rolling, fromFrame, end }
}

/** The pages that a flush must hold: those that changed, and all by which the database grew, in ascending order. */
export function flushPages(
  pending: Pending,
  publishedPages: number,
  pageSize: number,
  readPage: (page: number) => Uint8Array,
): [number, Uint8Array][] {
  const { databasePages } = pending
  const pages = [...pending.pages].filter(([number]) => number <= databasePages)
  const skip = lockPage(pageSize)
  for (let number = publishedPages + 1; number <= databasePages; number++) {
    // SQLite leaves a new page out of the log when nothing that counts is on it.
    if (number !== skip && !pending.pages.has(number)) pages.push([number, readPage(number)])
  }
  return pages.filter(([number]) => number !== skip).sort((a, b) => a[0] - b[0])
}

/** Brings the checksums to the state after the flush. */
export function applyToSums(sums: PageSums, pages: readonly (readonly [number, Uint8Array])[], databasePages: number): void {
  sums.resize(databasePages)
  for (const [number, page] of pages) sums.put(number, page)
}

export function encodeFlush(facts: FlushFacts, pages: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  return encodeLtx(headerFor(facts), pages)
}

/** The bytes of a file with pages of the base, in pieces of about a MiB; a piece is valid until the next is asked for. */
export async function* encodePages(
  facts: FlushFacts,
  bytes: DatabaseBytes,
  base: Base,
  which: PageChoice,
  onPage: (page: number) => void,
): AsyncGenerator<Uint8Array> {
  assert(facts.minTxid === 1 || which !== 'all', 'a snapshot begins at txid 1')
  const encoder = new LtxEncoder(headerFor(facts))
  const piece = new Uint8Array(MiB)
  let filled = 0
  const room = function* (next: Uint8Array): Generator<Uint8Array> {
    if (filled + next.length > piece.length) {
      yield piece.subarray(0, filled)
      filled = 0
    }
    if (next.length > piece.length) yield next
    else {
      piece.set(next, filled)
      filled += next.length
    }
  }
  yield* room(encoder.begin())
  for (const item of scanPages(bytes, base, which)) {
    if (item === null) continue
    yield* room(encoder.page(item.number, givenPage(item)))
    onPage(item.number)
  }
  yield* room(encoder.finish())
  if (filled > 0) yield piece.subarray(0, filled)
}

function headerFor(facts: FlushFacts): LtxHeader {
  const { end, pageSize } = facts
  const frameBytes = frameHeaderBytes + pageSize
  return {
    noChecksum: true,
    pageSize,
    commit: facts.databasePages,
    minTxid: facts.minTxid,
    maxTxid: facts.maxTxid,
    timestampMs: facts.lastCommitMs,
    preApply: 0n,
    // Litestream's daemon wants an offset of 32 or more in a file that it is to continue from.
    walOffset: walHeaderBytes + facts.fromFrame * frameBytes,
    walSize: end === null ? 0 : (end.frames - facts.fromFrame) * frameBytes,
    walSalt1: end?.header.salt1 ?? 0,
    walSalt2: end?.header.salt2 ?? 0,
    nodeId: 0n,
    reserved: encodeRestorePoint({
      postApply: facts.rolling,
      frameChecksum: end === null ? null : checksumWord(end.checksum),
      commits: facts.commits,
      spanMs: Math.max(0, facts.lastCommitMs - facts.firstCommitMs),
    }),
  }
}
