/** One page of an LTX file, taken out by the page index. Pure. */
import { damaged } from './header.ts'
import { decodeBlock } from './lz4.ts'
import { decodeFrame } from './lz4-frame.ts'

/**
 * The content of the page in its frame, in either encoding. What covers it is the checksum of the whole file: whoever takes one page out
 * compares it with the checksum that it must have. @throws LTX_DAMAGED
 */
export function decodePageFrame(frame: Uint8Array, pageNumber: number, pageSize: number): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  if (frame.length < 10 || view.getUint32(0) !== pageNumber) throw damaged(0, `its index leads to no frame of page ${pageNumber}`)
  const page = new Uint8Array(pageSize)
  const block = view.getUint16(4) === 1
  const end = block ? 10 + view.getUint32(6) : decodeFrame(frame, 6, frame.length, page)
  const whole = block ? end === frame.length && decodeBlock(frame, 10, frame.length, page) : end === frame.length
  if (!whole) throw damaged(0, `page ${pageNumber} does not decompress to ${pageSize} bytes`)
  return page
}
