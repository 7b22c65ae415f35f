/** The page index at the end of an LTX file: page number, offset and size of each frame, as LEB128. Pure. */
import { damaged } from './header.ts'

/** Appends `value` (0..2^53) as unsigned LEB128; returns where it ends. */
export function putVarint(into: Uint8Array, at: number, value: number): number {
  let left = value
  let to = at
  while (left >= 128) {
    into[to++] = (left % 128) + 128
    left = Math.floor(left / 128)
  }
  into[to++] = left
  return to
}

/** A growing index, kept as the bytes that it will be. */
export class PageIndexWriter {
  #bytes = new Uint8Array(4096)
  #length = 0

  /** Bytes of the tuples so far. */
  get length(): number {
    return this.#length
  }

  add(page: number, offset: number, size: number): void {
    if (this.#length + 30 > this.#bytes.length) {
      const larger = new Uint8Array(this.#bytes.length * 2)
      larger.set(this.#bytes)
      this.#bytes = larger
    }
    this.#length = putVarint(this.#bytes, this.#length, page)
    this.#length = putVarint(this.#bytes, this.#length, offset)
    this.#length = putVarint(this.#bytes, this.#length, size)
  }

  /** The tuples, their end mark, and their length as 8 bytes. */
  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#length + 9)
    bytes.set(this.#bytes.subarray(0, this.#length))
    new DataView(bytes.buffer).setBigUint64(this.#length + 1, BigInt(this.#length + 1))
    return bytes
  }
}

export interface IndexedPage {
  readonly page: number
  /** Of its frame in the file, bytes. */
  readonly offset: number
  readonly size: number
}

/** Bytes of the index's own length, which come after its tuples. */
export const indexLengthBytes = 8

/** What `finish` gave, without the length at its end. Stops where the tuples do. @throws LTX_DAMAGED */
export function* decodePageIndex(bytes: Uint8Array): Generator<IndexedPage> {
  let at = 0
  const next = (): number => {
    let value = 0
    for (let factor = 1; factor < Number.MAX_SAFE_INTEGER; factor *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value += (byte % 128) * factor
      if (byte < 128) return value
    }
    throw damaged(at, 'the page index does not end')
  }
  for (let page = next(); page !== 0; page = next()) yield { page, offset: next(), size: next() }
}
