/**
 * Reading LTX files as they come, in pieces of any size, in both page encodings. Pure.
 * Everything that the format covers is verified: rules of the header, order and completeness of pages, each page's decompression, the
 * index against what was read, the file's checksum, the rolling checksum where there is one, and that nothing follows.
 */
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import { checksumFlag, finishPage } from './checksum.ts'
import { extend, freshRegister, resultOf, type Shift, shiftFor } from './crc64.ts'
import { damaged, decodeHeader, headerBytes, isSnapshot, type LtxHeader } from './header.ts'
import { lockPage } from './lock-page.ts'
import { blockBound, decodeBlock } from './lz4.ts'
import { decodeFrame } from './lz4-frame.ts'
import { PageIndexWriter } from './page-index.ts'

export interface LtxSink {
  onHeader(header: LtxHeader): void
  /** `page` is valid during the call. `high`, `low`: halves of its page checksum. */
  onPage(number: number, page: Uint8Array, high: number, low: number): void
}

export interface LtxTrailer {
  readonly postApply: bigint
  readonly fileChecksum: bigint
}

const trailerBytes = 16
/** Chosen: 16 KiB of a piece are joined to what the last one left, enough for most pages; joining all of it would copy the whole file. */
const seamBytes = 16 * 1024
const nothing = new Uint8Array(0)

/** Feed with `write`, then `end`. @throws LTX_DAMAGED, LTX_UNSUPPORTED with the byte where it was met; nothing more may be written then. */
export class LtxDecoder {
  readonly #sink: LtxSink
  readonly #register = freshRegister()
  readonly #page = { high: 0, low: 0 }
  readonly #sum = { high: 0, low: 0 }
  readonly #index = new PageIndexWriter()
  #rest: Uint8Array = nothing
  /** Offset in the file of the first byte of `rest`. */
  #offset = 0
  #header: LtxHeader | null = null
  #content = new Uint8Array(0)
  #shift: Shift | null = null
  #lockPage = 0
  #lastPage = 0
  #rollingHigh = 0
  #rollingLow = 0
  #pagesDone = false

  constructor(sink: LtxSink) {
    this.#sink = sink
  }

  write(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const before = this.#rest.length
      const until = before > 0 && !this.#pagesDone ? at + seamBytes : piece.length
      const bytes = joined(this.#rest, piece.subarray(at, until))
      const taken = this.#take(bytes)
      if (before > 0 && taken >= before) {
        // The rest is used up: what follows is read where it lies in the piece.
        this.#offset += taken
        this.#rest = nothing
        at += taken - before
      } else {
        this.#keep(bytes, taken)
        at = until
      }
    }
  }

  end(): LtxTrailer {
    if (this.#header === null) decodeHeader(this.#rest)
    if (!this.#pagesDone) throw damaged(this.#offset, 'the file ends within its pages')
    const header = must(this.#header, 'a file that has pages has a header')
    this.#requireComplete(header)
    const index = this.#index.finish()
    const rest = this.#rest
    if (rest.length !== index.length + trailerBytes) {
      throw damaged(this.#offset, `${rest.length} bytes follow the pages; index and trailer have ${index.length + trailerBytes}`)
    }
    for (let at = 0; at < index.length; at++) {
      if (rest[at] !== index[at]) throw damaged(this.#offset + at, 'the page index is not that of the pages')
    }
    extend(this.#register, rest, 0, rest.length - 8)
    const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength)
    const trailer = { postApply: view.getBigUint64(index.length), fileChecksum: view.getBigUint64(index.length + 8) }
    const expected = resultOf(this.#register) | checksumFlag
    if (trailer.fileChecksum !== expected) {
      throw damaged(
        this.#offset + index.length + 8,
        `the checksum of the file is ${hex(expected)}, and it says ${hex(trailer.fileChecksum)}`,
      )
    }
    this.#requirePostApply(header, trailer.postApply)
    return trailer
  }

  /** Takes what is whole in `bytes`: the header, then frames until the pages are done. Returns where it ends. */
  #take(bytes: Uint8Array): number {
    let at = 0
    if (this.#header === null) {
      if (bytes.length < headerBytes) return 0
      this.#begin(bytes)
      at = headerBytes
    }
    while (!this.#pagesDone) {
      const next = this.#frame(bytes, at)
      if (next === null) break
      at = next
    }
    return at
  }

  #keep(bytes: Uint8Array, from: number): void {
    this.#offset += from
    const limit = this.#pagesDone ? this.#index.length + trailerBytes + 9 : Number.POSITIVE_INFINITY
    if (bytes.length - from > limit) throw damaged(this.#offset + limit, 'bytes follow the end of the file')
    // Not slice: that of a Buffer is a view.
    this.#rest = new Uint8Array(bytes.subarray(from))
  }

  #begin(bytes: Uint8Array): void {
    const header = decodeHeader(bytes)
    extend(this.#register, bytes, 0, headerBytes)
    this.#header = header
    this.#content = new Uint8Array(header.pageSize)
    this.#shift = shiftFor(header.pageSize)
    this.#lockPage = lockPage(header.pageSize)
    this.#sink.onHeader(header)
  }

  /** Reads one frame at `at`; where it ends, or null when more bytes are needed or the pages are done. */
  #frame(bytes: Uint8Array, at: number): number | null {
    if (bytes.length - at < 6) return null
    const number = word(bytes, at)
    const flags = ((bytes[at + 4] ?? 0) << 8) | (bytes[at + 5] ?? 0)
    if (number === 0) {
      if (flags !== 0) throw damaged(this.#offset + at, 'page 0 has flags')
      extend(this.#register, bytes, at, at + 6)
      this.#pagesDone = true
      return at + 6
    }
    const header = must(this.#header, 'pages come after the header')
    if (flags === 1) return this.#block(bytes, at, number)
    if (flags !== 0) {
      throw new DrError('LTX_UNSUPPORTED', {
        what: `page ${number} is encoded in a way that is not known (flags ${flags}, at byte ${this.#offset + at})`,
        untouched: 'Nothing was put in place of the database; the file stays as it is.',
        next: 'Use a newer version of genesis-dr.',
      })
    }
    const end = decodeFrame(bytes, at + 6, bytes.length, this.#content)
    if (end === null) throw damaged(this.#offset + at, `page ${number} does not decompress to ${header.pageSize} bytes`)
    if (end === 'short') {
      if (bytes.length - at > blockBound(header.pageSize) * 2 + 64) throw damaged(this.#offset + at, `page ${number} does not end`)
      return null
    }
    this.#accept(bytes, at, 6, end, number)
    return end
  }

  #block(bytes: Uint8Array, at: number, number: number): number | null {
    if (bytes.length - at < 10) return null
    const size = word(bytes, at + 6)
    if (size > blockBound(this.#content.length) * 2) throw damaged(this.#offset + at + 6, `page ${number} claims ${size} compressed bytes`)
    const end = at + 10 + size
    if (end > bytes.length) return null
    if (!decodeBlock(bytes, at + 10, end, this.#content)) {
      throw damaged(this.#offset + at, `page ${number} does not decompress to ${this.#content.length} bytes`)
    }
    this.#accept(bytes, at, 10, end, number)
    return end
  }

  #accept(bytes: Uint8Array, at: number, headLength: number, end: number, number: number): void {
    this.#requireOrder(number, this.#offset + at)
    const page = this.#page
    page.high = 0
    page.low = 0
    extend(page, this.#content, 0, this.#content.length)
    extend(this.#register, bytes, at, at + headLength)
    this.#shift?.append(this.#register, page)
    finishPage(number, page, this.#content.length, this.#sum)
    this.#rollingHigh ^= this.#sum.high
    this.#rollingLow ^= this.#sum.low
    this.#index.add(number, this.#offset + at, end - at)
    this.#lastPage = number
    this.#sink.onPage(number, this.#content, this.#sum.high, this.#sum.low)
  }

  #requireOrder(number: number, offset: number): void {
    const header = must(this.#header, 'pages come after the header')
    if (number <= this.#lastPage) throw damaged(offset, `page ${number} comes after page ${this.#lastPage}`)
    if (number > header.commit) throw damaged(offset, `page ${number} is beyond the ${header.commit} pages of the database`)
    if (number === this.#lockPage) throw damaged(offset, `page ${number} is the lock page, which is in no file`)
    if (!isSnapshot(header)) return
    const next = this.#lastPage + 1 === this.#lockPage ? this.#lastPage + 2 : this.#lastPage + 1
    if (number !== next) throw damaged(offset, `a snapshot goes on with page ${number} where ${next} is due`)
  }

  #requireComplete(header: LtxHeader): void {
    const last = header.commit === this.#lockPage ? header.commit - 1 : header.commit
    if (isSnapshot(header) && this.#lastPage !== last) {
      throw damaged(this.#offset, `a snapshot of ${header.commit} pages ends at page ${this.#lastPage}`)
    }
  }

  #requirePostApply(header: LtxHeader, postApply: bigint): void {
    if (header.noChecksum) {
      if (postApply !== 0n) throw damaged(this.#offset, 'a post-apply checksum stands where none may')
      return
    }
    if ((postApply & checksumFlag) === 0n) throw damaged(this.#offset, 'the post-apply checksum is missing')
    if (!isSnapshot(header)) return
    const rolling = (BigInt(this.#rollingHigh >>> 0) << 32n) | BigInt(this.#rollingLow >>> 0) | checksumFlag
    if (postApply !== rolling) throw damaged(this.#offset, `the rolling checksum is ${hex(rolling)}, and the file says ${hex(postApply)}`)
  }
}

/** A whole file in memory. @throws as `LtxDecoder` */
export function decodeLtx(bytes: Uint8Array, sink: LtxSink): LtxTrailer {
  const decoder = new LtxDecoder(sink)
  decoder.write(bytes)
  return decoder.end()
}

function joined(rest: Uint8Array, piece: Uint8Array): Uint8Array {
  if (rest.length === 0) return piece
  const bytes = new Uint8Array(rest.length + piece.length)
  bytes.set(rest)
  bytes.set(piece, rest.length)
  return bytes
}

function word(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
}

const hex = (sum: bigint): string => sum.toString(16).padStart(16, '0')
