/**
 * The checksums of LTX. Pure.
 * A page checksum is the CRC of the page number (4 bytes, big-endian) and the page, with bit 63 set. That of a file covers its bytes with
 * every page uncompressed, up to the last 8, with bit 63 set. (superfly/ltx v0.5.2, read 2026-11.)
 */
import { extend, type Register, shiftFor } from './crc64.ts'

export const checksumFlag = 1n << 63n

const number = new Uint8Array(4)

/** Page checksum from the register of the page's bytes alone (from zero): leaves its halves in `into`. */
export function finishPage(pageNumber: number, page: Register, pageSize: number, into: Register): void {
  number[0] = pageNumber >>> 24
  number[1] = pageNumber >>> 16
  number[2] = pageNumber >>> 8
  number[3] = pageNumber
  into.high = 0xffffffff
  into.low = 0xffffffff
  extend(into, number, 0, 4)
  shiftFor(pageSize).append(into, page)
  into.high = (~into.high | 0x80000000) >>> 0
  into.low = ~into.low >>> 0
}

/** Page checksum: leaves its halves in `into`. */
export function sumPage(pageNumber: number, page: Uint8Array, into: Register): void {
  number[0] = pageNumber >>> 24
  number[1] = pageNumber >>> 16
  number[2] = pageNumber >>> 8
  number[3] = pageNumber
  into.high = 0xffffffff
  into.low = 0xffffffff
  extend(into, number, 0, 4)
  extend(into, page, 0, page.length)
  into.high = (~into.high | 0x80000000) >>> 0
  into.low = ~into.low >>> 0
}

export function pageChecksum(pageNumber: number, page: Uint8Array): bigint {
  const sum = { high: 0, low: 0 }
  sumPage(pageNumber, page, sum)
  return (BigInt(sum.high) << 32n) | BigInt(sum.low)
}
