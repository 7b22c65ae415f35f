/**
 * When each commit was durable in a replica, found from outside: a file is known by when its name appeared (and, where the copier says so
 * later, by when it said that the file is durable), and a commit by the first file whose pages hold its row.
 */
import { readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { decodeLtx } from '../src/ltx/decode.ts'
import { parseLtxFileName } from '../src/ltx/file-name.ts'

export interface Arrivals {
  /** File name -> ms since the epoch. */
  readonly seenMs: ReadonlyMap<string, number>
  stop(): void
}

export function watchArrivals(folder: string): Arrivals {
  const seenMs = new Map<string, number>()
  const watcher = watch(folder, (_event, name) => {
    if (name !== null && !seenMs.has(name)) seenMs.set(name, Date.now())
  })
  return { seenMs, stop: () => watcher.close() }
}

/** Lag of each commit in ms; `committedMs[n]` is when row n + 1 was committed. @throws Error when a commit is in no file */
export function lagsOf(
  folder: string,
  arrivals: Arrivals,
  durableMs: ReadonlyMap<string, number> | null,
  committedMs: readonly number[],
): number[] {
  const lags: number[] = []
  for (const name of readdirSync(folder).sort()) {
    if (parseLtxFileName(name) === null) continue
    const newest = newestRow(readFileSync(join(folder, name)))
    const seen = arrivals.seenMs.get(name)
    // A file from before the watch holds nothing of the writer.
    if (seen === undefined) continue
    const durable = Math.max(seen, durableMs === null ? seen : (durableMs.get(name) ?? Number.POSITIVE_INFINITY))
    while (lags.length < Math.min(newest, committedMs.length)) lags.push(durable - (committedMs[lags.length] ?? 0))
  }
  if (lags.length < committedMs.length) throw new Error(`the replica holds ${lags.length} of ${committedMs.length} commits`)
  if (lags.some((lag) => !Number.isFinite(lag))) throw new Error('a file holds commits and was never said to be durable')
  return lags
}

/** The largest row id on any leaf of a table in the file, 0 when there is none. */
function newestRow(bytes: Uint8Array): number {
  let newest = 0
  decodeLtx(bytes, {
    onHeader: () => {},
    onPage: (number, page) => {
      // Page 1 begins with the file's header, and its tree is the schema.
      if (number > 1 && page[0] === 0x0d) newest = Math.max(newest, lastRowOfLeaf(page))
    },
  })
  return newest
}

/** Format (sqlite.org/fileformat2.html, read 2026-11): the last cell pointer leads to the largest key: payload size, then row id, as varints. */
function lastRowOfLeaf(page: Uint8Array): number {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const cells = view.getUint16(3)
  if (cells === 0) return 0
  let at = view.getUint16(8 + (cells - 1) * 2)
  while (view.getUint8(at++) >= 128);
  let row = 0
  for (let byte = 128; byte >= 128; ) {
    byte = view.getUint8(at++)
    row = row * 128 + (byte & 127)
  }
  return row
}
