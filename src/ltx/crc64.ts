/**
 * CRC-64/ISO (reflected polynomial 0xd800000000000000, register and result inverted), as Go's hash/crc64 names it. Pure.
 * The polynomial is x^64 + x^4 + x^3 + x + 1, so that multiplying by x^64 is four shifts: no table is needed for whole words.
 * A CRC is linear: the register after A and B is the register after A moved past |B| zero bytes, XORed with that of B from zero. One
 * pass over a page therefore serves both its own checksum and that of the file around it.
 * What is long goes through the kernel. Registers are kept as two unsigned 32-bit halves; bigint appears only at the edges.
 */
import { type Kernel, theKernel } from './kernel.ts'

/** A register: `high` and `low` are the halves, `>>> 0`. */
export interface Register {
  high: number
  low: number
}

const tableHigh = new Uint32Array(256)
const tableLow = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let high = 0
  let low = byte
  for (let bit = 0; bit < 8; bit++) {
    const odd = low & 1
    low = (low >>> 1) | (high << 31)
    high >>>= 1
    if (odd === 1) high ^= 0xd8000000
  }
  tableHigh[byte] = high
  tableLow[byte] = low
}

/** Chosen: below it, putting the bytes where the kernel reads them costs more than it saves. */
const leastBytes = 256

/** Moves `register` past `bytes[start, end)`. */
export function extend(register: Register, bytes: Uint8Array, start: number, end: number): void {
  const kernel = end - start < leastBytes ? null : theKernel()
  if (kernel === null) extendPlain(register, bytes, start, end)
  else extendBy(kernel, register, bytes, start, end)
}

function extendBy(
  { register: halves, room, extend: move }: Kernel,
  register: Register,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  halves[0] = register.low
  halves[1] = register.high
  for (let at = start; at < end; at += room.length) {
    const length = Math.min(room.length, end - at)
    room.set(bytes.subarray(at, at + length))
    move(length)
  }
  register.low = halves[0] ?? 0
  register.high = halves[1] ?? 0
}

/** The same without the kernel, which it is the measure of. */
export function extendPlain(register: Register, bytes: Uint8Array, start: number, end: number): void {
  let high = register.high | 0
  let low = register.low | 0
  let at = start
  const stop = end - ((end - start) & 7)
  if (stop > start && (bytes.byteOffset + start) % 4 === 0) {
    const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, (stop - start) >> 2)
    for (let word = 0; word < words.length; word += 2) {
      const l = low ^ (words[word] ?? 0)
      const h = high ^ (words[word + 1] ?? 0) ^ (l << 31) ^ (l << 29) ^ (l << 28)
      low = l ^ ((l >>> 1) | (h << 31)) ^ ((l >>> 3) | (h << 29)) ^ ((l >>> 4) | (h << 28))
      high = h ^ (h >>> 1) ^ (h >>> 3) ^ (h >>> 4)
    }
    at = stop
  }
  for (; at < end; at++) {
    const index = (low ^ (bytes[at] ?? 0)) & 0xff
    low = ((low >>> 8) | (high << 24)) ^ (tableLow[index] ?? 0)
    high = (high >>> 8) ^ (tableHigh[index] ?? 0)
  }
  register.high = high >>> 0
  register.low = low >>> 0
}

/** Moves registers past a fixed number of zero bytes, by eight look-ups. */
export class Shift {
  readonly #high = new Uint32Array(2048)
  readonly #low = new Uint32Array(2048)

  /** `length`: bytes, a multiple of 8. */
  constructor(length: number) {
    const zeros = new Uint8Array(length)
    for (let place = 0; place < 8; place++) {
      for (let bit = 0; bit < 8; bit++) {
        const register =
          place < 4 ? { high: 0, low: (1 << (place * 8 + bit)) >>> 0 } : { high: (1 << ((place - 4) * 8 + bit)) >>> 0, low: 0 }
        extend(register, zeros, 0, length)
        for (let value = 1 << bit; value < 256; value++) {
          if ((value & (1 << bit)) === 0) continue
          const index = place * 256 + value
          this.#high[index] = ((this.#high[index] ?? 0) ^ register.high) >>> 0
          this.#low[index] = ((this.#low[index] ?? 0) ^ register.low) >>> 0
        }
      }
    }
  }

  /** The register past the zeros, XORed with `other`: that of the bytes which stand there, from zero. */
  append(register: Register, other: Register): void {
    let high = other.high
    let low = other.low
    for (let place = 0; place < 8; place++) {
      const half = place < 4 ? register.low : register.high
      const index = place * 256 + ((half >>> ((place & 3) * 8)) & 0xff)
      high ^= this.#high[index] ?? 0
      low ^= this.#low[index] ?? 0
    }
    register.high = high >>> 0
    register.low = low >>> 0
  }
}

const shifts = new Map<number, Shift>()

/** The shift for pages of this many bytes; built once each. */
export function shiftFor(pageSize: number): Shift {
  const known = shifts.get(pageSize)
  if (known !== undefined) return known
  const made = new Shift(pageSize)
  shifts.set(pageSize, made)
  return made
}

export function freshRegister(): Register {
  return { high: 0xffffffff, low: 0xffffffff }
}

export function resultOf(register: Register): bigint {
  return (BigInt(~register.high >>> 0) << 32n) | BigInt(~register.low >>> 0)
}

export function crc64(bytes: Uint8Array): bigint {
  const register = freshRegister()
  extend(register, bytes, 0, bytes.length)
  return resultOf(register)
}
