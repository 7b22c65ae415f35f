/** Writing LTX files, page by page, in the raw block encoding that Litestream 0.5.16 and later read and write. Pure. */
import { assert } from '../assert.ts'
import { checksumFlag } from './checksum.ts'
import { extend, freshRegister, resultOf } from './crc64.ts'
import { encodeHeader, headerBytes, isSnapshot, type LtxHeader } from './header.ts'
import { lockPage } from './lock-page.ts'
import { BlockEncoder, blockBound } from './lz4.ts'
import { PageIndexWriter } from './page-index.ts'

const frameHead = 10

/**
 * Pieces of one file, to be written in order: `begin`, `page` for each page ascending, `finish`. A piece is valid until the next call.
 * Invariants, asserted: pages ascend, none is the lock page or beyond the database, and a snapshot has them all.
 */
export class LtxEncoder {
  readonly #header: LtxHeader
  readonly #register = freshRegister()
  readonly #index = new PageIndexWriter()
  readonly #blocks = new BlockEncoder()
  readonly #piece: Uint8Array
  readonly #lockPage: number
  #offset = 0
  #lastPage = 0

  constructor(header: LtxHeader) {
    assert(header.noChecksum, 'files are written without checksums in the fields of the format: Litestream refuses them')
    this.#header = header
    this.#lockPage = lockPage(header.pageSize)
    this.#piece = new Uint8Array(frameHead + blockBound(header.pageSize))
  }

  begin(): Uint8Array {
    const bytes = encodeHeader(this.#header)
    extend(this.#register, bytes, 0, headerBytes)
    this.#offset = headerBytes
    return bytes
  }

  page(number: number, page: Uint8Array): Uint8Array {
    this.#require(number, page)
    const piece = this.#piece
    const end = this.#blocks.encode(page, piece, frameHead)
    const view = new DataView(piece.buffer)
    view.setUint32(0, number)
    view.setUint16(4, 1)
    view.setUint32(6, end - frameHead)
    extend(this.#register, piece, 0, frameHead)
    extend(this.#register, page, 0, page.length)
    this.#index.add(number, this.#offset, end)
    this.#offset += end
    this.#lastPage = number
    return piece.subarray(0, end)
  }

  finish(): Uint8Array {
    const { commit } = this.#header
    const last = commit === this.#lockPage ? commit - 1 : commit
    assert(!isSnapshot(this.#header) || this.#lastPage === last, () => `a snapshot of ${commit} pages ends at page ${this.#lastPage}`)
    const index = this.#index.finish()
    const bytes = new Uint8Array(6 + index.length + 16)
    bytes.set(index, 6)
    extend(this.#register, bytes, 0, bytes.length - 8)
    new DataView(bytes.buffer).setBigUint64(bytes.length - 8, resultOf(this.#register) | checksumFlag)
    return bytes
  }

  #require(number: number, page: Uint8Array): void {
    const { pageSize, commit } = this.#header
    const next = this.#lastPage + 1 === this.#lockPage ? this.#lastPage + 2 : this.#lastPage + 1
    assert(page.length === pageSize, () => `page ${number} has ${page.length} bytes instead of ${pageSize}`)
    assert(number > this.#lastPage && number <= commit, () => `page ${number} comes after ${this.#lastPage} in a database of ${commit}`)
    assert(number !== this.#lockPage, 'the lock page is in no file')
    assert(!isSnapshot(this.#header) || number === next, () => `a snapshot has page ${number} where ${next} is due`)
  }
}

/** A whole small file. `pages`: ascending. */
export function encodeLtx(header: LtxHeader, pages: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  const encoder = new LtxEncoder(header)
  const pieces = [encoder.begin(), ...pages.map(([number, page]) => encoder.page(number, page).slice()), encoder.finish()]
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
