/**
 * Looks after the file on the disk: each of its pages is what was committed last, by its checksum.
 *
 * Which pages can be judged: the file need not have what is still only in the log, and must have all the rest. A page of the log that is in
 * the file by now, and whose content is summed up, is judged as well. Nobody can bring a newer content into the file between that question
 * and the read, because our pin, which moves in this process only, stands at what was read (rule 1 of pins.ts).
 * A page that is not what it must be is read again twice, at least 50 ms apart, before it is called damaged: a read may cross a write.
 * Pages that are written anew meanwhile are waited for, and counted apart.
 */
import { isDrError } from '../errors.ts'
import { sumPage } from '../ltx/checksum.ts'
import { lockPage } from '../ltx/lock-page.ts'
import type { ScrubFacts } from '../ports/capture-control.ts'
import type { Clock } from '../ports/clock.ts'
import type { DiskReader } from '../ports/disk-reader.ts'
import type { PageSums } from '../replica/page-sums.ts'
import { KiB, MiB } from '../units.ts'
import { slowPollMs } from './cadence.ts'
import type { RotMemory } from './rot-memory.ts'

export interface ScrubWorld {
  readonly clock: Clock
  readonly disk: DiskReader
  readonly pageSize: number
  /** What every page must be, up to what was captured. */
  readonly sums: PageSums
  /** The file must have the page as `sums` says. */
  readonly settled: (page: number) => boolean
  /** Told of each page that is damaged, with what stands there, and of each that is what it must be. */
  readonly rot: Pick<RotMemory, 'pages' | 'found' | 'sound'>
  /** Told once of each page that is damaged. */
  readonly onDamage: (pages: readonly number[]) => void
}

/** Chosen: a read of 256 KiB takes half a millisecond of a disk, and no commit waits for it. */
const pieceBytes = 256 * KiB
/** Chosen: one piece a second at least, so that a bot's usual few MiB are through in half a minute; it costs 0.1 % of a core. */
const leastBytesPerMs = pieceBytes / 1000
/** Chosen: 32 MiB/s of reading and summing are 2 % of a core here. A database of more than 110 GiB takes longer than an hour. */
const mostBytesPerMs = (32 * MiB) / 1000
const readAgainMs = 50
/** Chosen: a quiet capture calls at each slow poll, and a large database needs more than a piece each time. */
const longestGapMs = 1.5 * slowPollMs
/** Chosen: 4 MiB are some milliseconds of the capture's time, in which no flush begins. */
const piecesAtOnce = 16
const looksForDamage = 3
/** Chosen: 64 reads take some milliseconds. What else a former life found, the turn finds again. */
const firstLooks = 64

export class Scrub {
  readonly #world: ScrubWorld
  readonly #turnMs: number
  readonly #pagesPerPiece: number
  /** First page of the next piece. */
  #next = 1
  #turnBeganMs: number | null = null
  #dueMs = -Infinity
  #judged = 0
  #waiting = 0
  /** Pages that there were when the last turn ended. */
  #of = 0
  #turnEndedMs: number | null = null
  #turnTookMs: number | null = null
  readonly #suspects = new Map<number, { looks: number; readAgainMs: number }>()
  readonly #damaged = new Set<number>()

  /** `turnMs`: in which all pages are looked at, where the bounds of the rate allow it. */
  constructor(world: ScrubWorld, turnMs: number) {
    this.#world = world
    this.#turnMs = turnMs
    this.#pagesPerPiece = Math.max(1, pieceBytes / world.pageSize)
    // Nobody shall have to wait for the turn to hear again of what is known.
    for (const page of world.rot.pages.slice(0, firstLooks)) this.#suspects.set(page, { looks: 0, readAgainMs: -Infinity })
  }

  get facts(): ScrubFacts {
    const { clock, disk } = this.#world
    return {
      reads: disk.how,
      judged: this.#judged,
      waiting: this.#waiting,
      of: this.#turnBeganMs === null ? this.#of : this.#world.sums.pages,
      turnEndedMs: this.#turnEndedMs === null ? null : clock.wallMs() - (clock.monotonicMs() - this.#turnEndedMs),
      turnAgeMs: this.#turnEndedMs === null ? null : clock.monotonicMs() - this.#turnEndedMs,
      turnTookMs: this.#turnTookMs,
      damaged: [...this.#damaged].sort((a, b) => a - b),
    }
  }

  /** Reads what is due, some pieces at most. To be called when everything that is committed was just read from the log. */
  look(nowMs: number): void {
    this.#lookAgain(nowMs)
    const bytes = this.#world.sums.pages * this.#world.pageSize
    const rate = Math.min(mostBytesPerMs, Math.max(leastBytesPerMs, bytes / this.#turnMs))
    const pauseMs = pieceBytes / rate
    // What was missed while nobody called is not caught up: the rate is a bound.
    if (this.#dueMs < nowMs - longestGapMs) this.#dueMs = nowMs
    for (let piece = 0; piece < piecesAtOnce && this.#dueMs <= nowMs; piece++) {
      this.#piece(nowMs)
      this.#dueMs += pauseMs
    }
  }

  /** As `look`, due or not. True when that was the last piece of a turn, and nothing is in doubt. */
  lookNow(nowMs: number): boolean {
    this.#lookAgain(nowMs)
    const ended = this.#turnEndedMs
    if (!this.waits) this.#piece(nowMs)
    else this.#endTurn(nowMs)
    return ended !== this.#turnEndedMs
  }

  /** The pages of this turn were all read, and some are to be read again. */
  get waits(): boolean {
    return this.#next > this.#world.sums.pages && this.#suspects.size > 0
  }

  /** The next piece is the first. */
  startTurn(): void {
    this.#next = 1
    this.#turnBeganMs = null
  }

  #piece(nowMs: number): void {
    const { sums } = this.#world
    if (this.#turnBeganMs === null) {
      this.#turnBeganMs = nowMs
      this.#judged = 0
      this.#waiting = 0
    }
    const count = Math.max(0, Math.min(this.#pagesPerPiece, sums.pages - this.#next + 1))
    if (count > 0) this.#read(this.#next, count, nowMs)
    this.#next += count
    this.#endTurn(nowMs)
  }

  /** When all pages were read, and none is in doubt. */
  #endTurn(nowMs: number): void {
    if (this.#next <= this.#world.sums.pages || this.#suspects.size > 0) return
    this.#turnTookMs = nowMs - (this.#turnBeganMs ?? nowMs)
    this.#turnEndedMs = nowMs
    this.#of = this.#world.sums.pages
    this.startTurn()
  }

  #lookAgain(nowMs: number): void {
    for (const [page, { readAgainMs: at }] of this.#suspects) if (nowMs >= at) this.#read(page, 1, nowMs)
  }

  /** Reads of a disk begin and end at its blocks, which may be larger than a page. */
  #read(first: number, count: number, nowMs: number): void {
    const { pageSize } = this.#world
    const from = (first - 1) * pageSize
    const start = from - (from % 4096)
    const size = Math.ceil((from + count * pageSize - start) / 4096) * 4096
    const bytes = this.#bytes(start, size)
    if (bytes === null && count > 1) {
      for (let number = first; number < first + count; number++) this.#read(number, 1, nowMs)
      return
    }
    const page = new Uint8Array(pageSize)
    const found: number[] = []
    for (let number = first; number < first + count; number++) {
      const at = (number - 1) * pageSize - start
      // Beyond the end of the file a page is zeros.
      page.fill(0)
      if (bytes !== null) page.set(bytes.subarray(Math.min(at, bytes.length), Math.min(at + pageSize, bytes.length)))
      if (this.#judge(number, bytes === null ? null : page, nowMs)) found.push(number)
    }
    if (found.length > 0) this.#world.onDamage(found)
  }

  /** null: the disk cannot read them. */
  #bytes(offset: number, sizeBytes: number): Uint8Array | null {
    try {
      return this.#world.disk.read(offset, sizeBytes)
    } catch (error) {
      if (isDrError(error, 'IO_FAILED')) return null
      throw error
    }
  }

  /** True when the page is called damaged for the first time. `page` null: it cannot be read. */
  #judge(number: number, page: Uint8Array | null, nowMs: number): boolean {
    const { sums, settled, pageSize, rot } = this.#world
    if (number === lockPage(pageSize)) return false
    const suspect = this.#suspects.get(number)
    if (!settled(number)) {
      this.#suspects.delete(number)
      this.#waiting++
      return false
    }
    if (page !== null && sums.isOf(number, page)) {
      this.#suspects.delete(number)
      this.#damaged.delete(number)
      rot.sound(number)
      this.#judged++
      return false
    }
    if (this.#damaged.has(number)) {
      this.#remember(number, page)
      this.#judged++
      return false
    }
    const looks = (suspect?.looks ?? 0) + 1
    if (looks < looksForDamage) {
      this.#suspects.set(number, { looks, readAgainMs: nowMs + readAgainMs })
      return false
    }
    this.#suspects.delete(number)
    this.#damaged.add(number)
    this.#remember(number, page)
    this.#judged++
    return true
  }

  /** What cannot be read has no content that could be known again. */
  #remember(number: number, page: Uint8Array | null): void {
    if (page === null) return
    const sum = { high: 0, low: 0 }
    sumPage(number, page, sum)
    this.#world.rot.found(number, sum)
  }
}
