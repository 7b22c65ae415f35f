/**
 * The checksum of every page of a database, and the rolling checksum over all of them. Pure.
 * A page checksum is CRC-64/ISO over page number and content with bit 63 set; the rolling one is the XOR of all with bit 63 set, so that
 * changing one page is two XORs. The lock page has no checksum. 8 bytes a page: 2 MiB for a database of 1 GiB with pages of 4 KiB.
 */
import { assert } from '../assert.ts'

const flag = 0x80000000

export class PageSums {
  #high = new Uint32Array(1024)
  #low = new Uint32Array(1024)
  #pages = 0
  #rollingHigh = 0
  #rollingLow = 0

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
  }

  equals(page: number, high: number, low: number): boolean {
    return this.#high[page] === high >>> 0 && this.#low[page] === low >>> 0
  }

  /** The first page but `skip` that was never set; null when all were. Every checksum has bit 63. */
  firstMissing(skip: number): number | null {
    for (let page = 1; page <= this.#pages; page++) if (this.#high[page] === 0 && page !== skip) return page
    return null
  }

  /** How many pages have equal checksums in both, of the larger one's pages. */
  shareEqualTo(other: PageSums): number {
    let equal = 0
    const both = Math.min(this.#pages, other.#pages)
    for (let page = 1; page <= both; page++) if (other.equals(page, this.#high[page] ?? 0, this.#low[page] ?? 0)) equal++
    return equal / Math.max(1, this.#pages, other.#pages)
  }
}

function grown(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length)
  larger.set(array)
  return larger
}
