/**
 * The checksums of LTX. Pure.
 * A page checksum is the CRC of the page number (4 bytes, big-endian) and the page, with bit 63 set. That of a file covers its bytes with
 * every page uncompressed, up to the last 8, with bit 63 set. (superfly/ltx v0.5.2, read 2026-11.)
 */
import { extend, freshRegister, type Register, resultOf, shiftFor } from './crc64.ts'

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

export function pageChecksum(pageNumber: number, page: Uint8Array): bigint {
  const register = freshRegister()
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, pageNumber)
  extend(register, bytes, 0, 4)
  extend(register, page, 0, page.length)
  return resultOf(register) | checksumFlag
}
