/**
 * The interior pages of the b-trees in a SQLite file, and the one that a drill should damage. Pure.
 * Layout (sqlite.org/fileformat2.html#b_tree_pages, read 2026-11-23): type byte (2 index, 5 table), at 3 the number of cells, at 8 the
 * rightmost child, at 12 the offset of each cell, which begins with its left child. Numbers are big-endian.
 */
import type { Random } from '../ports/random.ts'

export interface InteriorPage {
  /** 1 for the first page of the file. */
  readonly number: number
  readonly of: 'table' | 'index'
  /** Page numbers, in the order of their keys. */
  readonly children: readonly number[]
}

const headerBytes = 12

/** null when the page is of another type, or is not sound. `pages` is the number of pages in the file. Not for page 1. */
export function decodeInteriorPage(number: number, page: Uint8Array, pages: number): InteriorPage | null {
  const type = page[0]
  if (type !== 2 && type !== 5) return null
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength)
  const cells = view.getUint16(3)
  if (cells === 0 || headerBytes + 2 * cells > page.length) return null
  const children: number[] = []
  for (let cell = 0; cell < cells; cell++) {
    const offset = view.getUint16(headerBytes + 2 * cell)
    if (offset < headerBytes + 2 * cells || offset + 4 > page.length) return null
    children.push(view.getUint32(offset))
  }
  children.push(view.getUint32(8))
  const sound = children.every((child) => child > 1 && child <= pages && child !== number)
  return sound ? { number, of: type === 5 ? 'table' : 'index', children } : null
}

/**
 * The number of the page whose loss hurts most surely; null when none can be taken. Not one that is in the WAL, from where SQLite would
 * still read it whole. Rather a settled one; rather one of a table, and rather a full one, because more reads pass through it.
 */
export function chooseInteriorPage(interior: readonly InteriorPage[], inWal: ReadonlySet<number>, random: Random): number | null {
  const free = (page: InteriorPage): boolean => !inWal.has(page.number)
  const settled = settledPages(interior).filter(free)
  const candidates = settled.length > 0 ? settled : interior.filter(free)
  const tables = candidates.filter((page) => page.of === 'table')
  const fullestFirst = (tables.length > 0 ? tables : candidates).toSorted(
    (a, b) => b.children.length - a.children.length || a.number - b.number,
  )
  // The fuller half, so that another seed damages another page.
  const best = fullestFirst.slice(0, Math.ceil(fullestFirst.length / 2))
  return best.length === 0 ? null : (best[random.below(best.length)]?.number ?? null)
}

/** Pages that a bot which only appends never writes again, which would heal them: all but the right edge of each tree, with its root. */
export function settledPages(interior: readonly InteriorPage[]): readonly InteriorPage[] {
  const edge = rightEdge(interior)
  return interior.filter((page) => !edge.has(page.number))
}

/** Pages that are the last child of their parent all the way up, roots included. */
function rightEdge(interior: readonly InteriorPage[]): ReadonlySet<number> {
  const byNumber = new Map(interior.map((page) => [page.number, page]))
  const children = new Set(interior.flatMap((page) => page.children))
  const edge = new Set<number>()
  for (const root of interior.filter((page) => !children.has(page.number))) {
    for (let at: InteriorPage | undefined = root; at !== undefined && !edge.has(at.number); at = byNumber.get(at.children.at(-1) ?? 0))
      edge.add(at.number)
  }
  return edge
}
