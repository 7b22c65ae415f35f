/**
 * The whole database as of a place in its log: the file, overlaid by the newest frames of the log up to there.
 * It holds while a pin stands that was taken before the place was asked for:
 * - Frames beyond the pin are never written into the file by anybody.
 * - The log cannot begin anew under us, unless the file had all of it when the pin was taken. Then nothing may be read from the log,
 *   which the next writer overwrites; and nothing need be, because the file has it.
 */
import { assert } from '../assert.ts'
import { DrError, isDrError } from '../errors.ts'
import { lockPage } from '../ltx/lock-page.ts'
import type { Clock } from '../ports/clock.ts'
import type { DatabaseBytes, LiveDatabase } from '../ports/live-database.ts'
import { PageSums } from '../replica/page-sums.ts'
import { type DatabaseHeader, databaseHeaderBytes, decodeDatabaseHeader } from '../wal/database-header.ts'
import { lacksChecksum, startOf, storedChecksum, type WalPosition } from '../wal/frames.ts'
import { frameHeaderBytes, frameOffset, type WalHeader } from '../wal/header.ts'
import { type FrameIndex, findLogEnd, findRestingEnd, headerOf, indexFrames, type LogEnd, readWalPage, unfollowed } from './wal-tail.ts'

export interface Base {
  readonly pageSize: number
  /** Pages in the database. */
  readonly pages: number
  /** null when the log has no frames. */
  readonly place: WalPosition | null
  readonly index: FrameIndex | null
}

/** As the file has it, which the log may be ahead of; null when the file does not begin as a database. */
export function readDatabaseHeader(bytes: DatabaseBytes): DatabaseHeader | null {
  const first = new Uint8Array(databaseHeaderBytes)
  bytes.readDatabase(0, first)
  return decodeDatabaseHeader(first)
}

/** null when the log began anew meanwhile: ask for its end again. @throws WAL_DAMAGED, WAL_UNFOLLOWED */
export function findBase(bytes: DatabaseBytes, end: LogEnd, pageSize: number, fileSizeBytes: number): Base | null {
  if (end.backfilled < end.frames) {
    const index = indexFrames(bytes, startOf(headerOf(end)), end.frames)
    return { pageSize, pages: index.pages, place: index.place, index }
  }
  const pages = ifGiven(() => readDatabaseHeader(bytes))?.pages ?? Math.floor(fileSizeBytes / pageSize)
  if (end.header === null) return { pageSize, pages, place: null, index: null }
  const place = placeAt(bytes, end.header, end.frames)
  return place === null ? null : { pageSize, pages, place, index: null }
}

/**
 * The place after `frames` frames by what the last of them says; null when it is of another generation. One that was committed without a
 * checksum says zero, and nothing is proven to follow it.
 */
function placeAt(bytes: DatabaseBytes, header: WalHeader, frames: number): WalPosition | null {
  if (frames === 0) return startOf(header)
  const buffer = new Uint8Array(frameHeaderBytes)
  if (bytes.readWal(frameOffset(frames - 1, header.pageSize), buffer) < buffer.length) return null
  const stored = storedChecksum(buffer)
  const ofThisLog = stored.salt1 === header.salt1 && stored.salt2 === header.salt2
  if (!ofThisLog && !lacksChecksum(buffer)) return null
  return { header, frames, checksum: { s1: stored.s1, s2: stored.s2 } }
}

/** A set of pages, or any rule that says of each page whether it is wanted. */
export type PageChoice = Pick<ReadonlySet<number>, 'has'> | 'all'

/** Chosen: 1 MiB a read, so that the event loop is held for a millisecond at most between two yields. */
const readBytes = 1024 * 1024
/** Chosen: pages that are asked for mostly lie far apart, and what lies between them is read for nothing. */
const chosenBytes = 64 * 1024

export interface ScannedPage {
  readonly number: number
  /** Valid until the next one is asked for. null: the disk does not give it, and the log does not have it. */
  readonly page: Uint8Array | null
}

/** The pages that are asked for, in order, the lock page left out; a yield of null is a place to pause. @throws WAL_DAMAGED, IO_FAILED */
export function* scanPages(bytes: DatabaseBytes, base: Base, which: PageChoice = 'all'): Generator<ScannedPage | null> {
  const { pageSize, pages } = base
  const skip = lockPage(pageSize)
  const perRead = Math.max(1, Math.floor((which === 'all' ? readBytes : chosenBytes) / pageSize))
  const buffer = new Uint8Array(perRead * pageSize)
  for (let first = 1; first <= pages; first += perRead) {
    const count = Math.min(perRead, pages - first + 1)
    if (which !== 'all' && !anyIn(which, first, count)) continue
    const wanted = buffer.subarray(0, count * pageSize)
    const given = ifGiven(() => readFilled(bytes, (first - 1) * pageSize, wanted))
    for (let at = 0; at < count; at++) {
      const number = first + at
      if (number === skip || (which !== 'all' && !which.has(number))) continue
      const page = wanted.subarray(at * pageSize, (at + 1) * pageSize)
      // One bad sector is in the way of all that is read with it.
      const alone = given ?? ifGiven(() => readFilled(bytes, (number - 1) * pageSize, page))
      yield { number, page: overlay(bytes, base, number, page) || alone !== null ? page : null }
    }
    yield null
  }
}

/** Beyond the end of the file a page is zeros until the log writes it. */
function readFilled(bytes: DatabaseBytes, offset: number, into: Uint8Array): Uint8Array {
  return into.fill(0, bytes.readDatabase(offset, into))
}

/** null: the disk does not give it. */
function ifGiven<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (isDrError(error, 'DATABASE_DAMAGED')) return null
    throw error
  }
}

/** The content of a page that nothing can do without. @throws DATABASE_DAMAGED */
export function givenPage({ number, page }: ScannedPage): Uint8Array {
  if (page !== null) return page
  throw new DrError('DATABASE_DAMAGED', {
    what: `the disk does not give page ${number} of the database`,
    untouched: 'Nothing of ours was written to it, and nothing of this was published.',
    next: 'Run: genesis-dr execute --scenario DATABASE_CORRUPTION, and look after the disk.',
  })
}

function anyIn(which: Exclude<PageChoice, 'all'>, first: number, count: number): boolean {
  for (let number = first; number < first + count; number++) if (which.has(number)) return true
  return false
}

/** Checksums of every page. Gives way to other work every half second. @throws DATABASE_DAMAGED, WAL_DAMAGED */
export async function sumBase(clock: Clock, bytes: DatabaseBytes, base: Base): Promise<PageSums> {
  const sums = new PageSums()
  sums.resize(base.pages)
  let gaveWayMs = clock.monotonicMs()
  for (const item of scanPages(bytes, base)) {
    if (item !== null) {
      sums.put(item.number, givenPage(item))
      continue
    }
    if (clock.monotonicMs() - gaveWayMs < 500) continue
    gaveWayMs = clock.monotonicMs()
    await clock.sleep(0)
  }
  return sums
}

/** The base of a database that nobody has open. `pageSize`: where the log does not say it; null: the file is to say it. null: neither does. */
export function baseAtRest(bytes: DatabaseBytes, pageSize: number | null): Base | null {
  const end = findRestingEnd(bytes)
  const known = end.header?.pageSize ?? pageSize ?? readDatabaseHeader(bytes)?.pageSize ?? null
  return known === null ? null : findBase(bytes, end, known, bytes.databaseBytes())
}

/** Chosen: a log begins anew between two reads of ours once, if at all; what is still so after a hundred is no coincidence. */
const mostLooks = 100

/** The base as of the end of the log now. @throws WAL_DAMAGED, WAL_UNFOLLOWED, DATABASE_BUSY, DATABASE_DAMAGED */
export function baseNow({ bytes, locks }: LiveDatabase, pageSizeOfFile: number): Base {
  for (let look = 0; look < mostLooks; look++) {
    const end = findLogEnd(locks, bytes)
    const base = findBase(bytes, end, end.header?.pageSize ?? pageSizeOfFile, bytes.databaseBytes())
    if (base !== null) return base
  }
  throw unfollowed('the last frame of the log, which the file has whole, is not of that log: the next commit of the bot begins it anew')
}

/** One page as SQLite would read it now. */
export function readPageNow(database: LiveDatabase, pageSize: number, number: number): Uint8Array {
  return readPage(database.bytes, baseNow(database, pageSize), number)
}

/** One page as of the base's place. */
export function readPage(bytes: DatabaseBytes, base: Base, number: number): Uint8Array {
  assert(number >= 1, 'pages are counted from 1')
  const page = new Uint8Array(base.pageSize)
  if (!overlay(bytes, base, number, page)) bytes.readDatabase((number - 1) * base.pageSize, page)
  return page
}

/** True where the log has the page. */
function overlay(bytes: DatabaseBytes, base: Base, number: number, into: Uint8Array): boolean {
  const offset = base.index?.offsets.get(number)
  if (offset !== undefined) readWalPage(bytes, offset, into)
  return offset !== undefined
}
