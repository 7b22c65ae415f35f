/**
 * A byte inside of a row, in a leaf page of a table: changed, the database is as sound as before to SQLite, and says something else. Pure.
 * Layout (sqlite.org/fileformat2.html#b_tree_pages and #record_format, read 2026-11-26): type byte 13, at 3 the number of cells, at 8 the
 * offset of each cell: size of the payload, rowid, and the payload, which begins with the size of its own header. Numbers are varints.
 */
import type { Random } from '../ports/random.ts'

const leafOfTable = 13
const headerBytes = 8

/** Offset in the page; null when the page is no such leaf, or has no row with a body of its own. Not for page 1. */
export function chooseRowByte(page: Uint8Array, random: Random): number | null {
  if (page[0] !== leafOfTable) return null
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const cells = view.getUint16(3)
  if (cells === 0 || headerBytes + 2 * cells > page.length) return null
  const offset = view.getUint16(headerBytes + 2 * random.below(cells))
  const size = varint(page, offset)
  const rowid = size === null ? null : varint(page, size.end)
  const head = rowid === null ? null : varint(page, rowid.end)
  if (size === null || rowid === null || head === null) return null
  const [from, to] = [rowid.end + head.value, rowid.end + size.value]
  // A row that goes on elsewhere is left alone: its end in this page is not where its size says.
  return from < to && to <= page.length ? from + random.below(to - from) : null
}

/** Up to nine bytes, seven bits each; null beyond the page, or where it is longer than any row of a drill. */
function varint(page: Uint8Array, at: number): { readonly value: number; readonly end: number } | null {
  let value = 0
  for (let end = at; end < Math.min(page.length, at + 7); end++) {
    const byte = page[end] ?? 0
    value = value * 128 + (byte & 127)
    if (byte < 128) return { value, end: end + 1 }
  }
  return null
}
