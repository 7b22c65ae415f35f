/**
 * The checksum of every page of a database, and the rolling checksum over all of them. Pure.
 * A page checksum is CRC-64/ISO over page number and content with bit 63 set; the rolling one is the XOR of all with bit 63 set, so that
 * changing one page is two XORs. The lock page has no checksum. 8 bytes a page: 2 MiB for a database of 1 GiB with pages of 4 KiB.
 * They can be kept by blocks: 512 pages, the high halves, then the low ones, in the byte order of this machine, which they never leave.
 */
import { assert } from '../assert.ts'
import { sumPage } from '../ltx/checksum.ts'

const flag = 0x80000000
const blockPages = 512
const sumBlockBytes = 8 * blockPages

export interface SumBlock {
  /** Counted from 0. */
  readonly at: number
  readonly bytes: Uint8Array
}

export class PageSums {
  #high = new Uint32Array(1024)
  #low = new Uint32Array(1024)
  #pages = 0
  #rollingHigh = 0
  #rollingLow = 0
  readonly #sum = { high: 0, low: 0 }
  /** Blocks with a change since they were taken last. */
  readonly #changed = new Set<number>()

  /** What `takeChanged` gave of all pages, joined; null: those are fewer bytes than so many pages have. */
  static fromBlocks(pages: number, bytes: Uint8Array): PageSums | null {
    const blocks = Math.floor(pages / blockPages) + 1
    if (bytes.length < blocks * sumBlockBytes) return null
    const sums = new PageSums()
    sums.resize(pages)
    const words = new Uint32Array(new Uint8Array(bytes.subarray(0, blocks * sumBlockBytes)).buffer)
    for (let page = 1; page <= pages; page++) {
      const word = Math.floor(page / blockPages) * 2 * blockPages + (page % blockPages)
      sums.set(page, words[word] ?? 0, words[word + blockPages] ?? 0)
    }
    sums.#changed.clear()
    return sums
  }

  /** Pages in the database. */
  get pages(): number {
    return this.#pages
  }

  /** Bit 63 is always set. */
  get rolling(): bigint {
    return (BigInt((this.#rollingHigh | flag) >>> 0) << 32n) | BigInt(this.#rollingLow >>> 0)
  }

  /** Pages beyond `pages` are forgotten; new ones have no checksum until they are set. */
  resize(pages: number): void {
    for (let page = pages + 1; page <= this.#pages; page++) this.set(page, 0, 0)
    this.#pages = pages
    if (pages < this.#high.length) return
    const length = Math.max(pages + 1, this.#high.length * 2)
    this.#high = grown(this.#high, length)
    this.#low = grown(this.#low, length)
  }

  /** `high`, `low`: the two 32-bit halves of the page's checksum. */
  set(page: number, high: number, low: number): void {
    assert(page >= 1 && page <= this.#pages, () => `page ${page} is not one of ${this.#pages}`)
    this.#rollingHigh ^= (this.#high[page] ?? 0) ^ high
    this.#rollingLow ^= (this.#low[page] ?? 0) ^ low
    this.#high[page] = high
    this.#low[page] = low
    this.#changed.add(Math.floor(page / blockPages))
  }

  /** What was taken last did not get where it was to be kept. */
  allChanged(): void {
    for (let block = 0; block * blockPages <= this.#pages; block++) this.#changed.add(block)
  }

  /** Each block that changed since the last time, ascending. `bytes` is valid until the next one is asked for. */
  *takeChanged(): Generator<SumBlock> {
    const blocks = [...this.#changed].sort((a, b) => a - b)
    this.#changed.clear()
    const block = new Uint32Array(2 * blockPages)
    for (const at of blocks) {
      const from = at * blockPages
      block.fill(0)
      block.set(this.#high.subarray(from, from + blockPages), 0)
      block.set(this.#low.subarray(from, from + blockPages), blockPages)
      yield { at, bytes: new Uint8Array(block.buffer) }
    }
  }

  /** As `set`, the checksum that `from` has of the page. */
  take(page: number, from: PageSums): void {
    this.set(page, ...from.#at(page))
  }

  /** As `set`, from the content of the page. */
  put(page: number, content: Uint8Array): void {
    sumPage(page, content, this.#sum)
    this.set(page, this.#sum.high, this.#sum.low)
  }

  /** That is the content of the page. */
  isOf(page: number, content: Uint8Array): boolean {
    sumPage(page, content, this.#sum)
    return page <= this.#pages && this.equals(page, this.#sum.high, this.#sum.low)
  }

  equals(page: number, high: number, low: number): boolean {
    return this.#high[page] === high >>> 0 && this.#low[page] === low >>> 0
  }

  /** Both have the same checksum of the page, or neither has one. */
  sameAs(page: number, other: PageSums): boolean {
    const [high, low] = this.#at(page)
    const [otherHigh, otherLow] = other.#at(page)
    return high === otherHigh && low === otherLow
  }

  copy(): PageSums {
    const copy = new PageSums()
    copy.resize(this.#pages)
    for (let page = 1; page <= this.#pages; page++) copy.set(page, this.#high[page] ?? 0, this.#low[page] ?? 0)
    return copy
  }

  /** 0, 0 beyond the end. */
  #at(page: number): readonly [high: number, low: number] {
    return page <= this.#pages ? [this.#high[page] ?? 0, this.#low[page] ?? 0] : [0, 0]
  }

  /** Pages that have a checksum, ascending. */
  *known(): Generator<number> {
    for (let page = 1; page <= this.#pages; page++) if (this.#high[page] !== 0) yield page
  }

  /** The first page but `skip` that was never set; null when all were. Every checksum has bit 63. */
  firstMissing(skip: number): number | null {
    for (let page = 1; page <= this.#pages; page++) if (this.#high[page] === 0 && page !== skip) return page
    return null
  }

  /** Pages of this one that have another checksum in `other`, or none, ascending. */
  *differingFrom(other: PageSums): Generator<number> {
    for (let page = 1; page <= this.#pages; page++) if (!this.sameAs(page, other)) yield page
  }

  /** How many pages have equal checksums in both, of the larger one's pages. */
  shareEqualTo(other: PageSums): number {
    const both = Math.min(this.#pages, other.#pages)
    let equal = both
    for (const page of this.differingFrom(other)) if (page <= both) equal--
    return equal / Math.max(1, this.#pages, other.#pages)
  }
}

function grown(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length)
  larger.set(array)
  return larger
}
