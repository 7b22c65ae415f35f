import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { chooseInteriorPage, decodeInteriorPage, type InteriorPage } from './interior-pages.ts'
import { seededRandom } from './seeded-random.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'interior-pages-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function interiorOf(pageSize: number, rows: number): { pages: InteriorPage[]; roots: number[]; total: number } {
  const path = join(folder, `${pageSize}.db`)
  const database = new DatabaseSync(path)
  database.exec(
    `PRAGMA page_size = ${pageSize}; CREATE TABLE ticks (id INTEGER PRIMARY KEY, text TEXT); CREATE INDEX by_text ON ticks (text)`,
  )
  database.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO ticks SELECT i, hex(randomblob(40)) FROM n`)
  const roots = database
    .prepare('SELECT rootpage FROM sqlite_schema ORDER BY rootpage')
    .all()
    .map((row) => Number(row['rootpage']))
  database.close()
  const bytes = readFileSync(path)
  const total = bytes.length / pageSize
  const pages: InteriorPage[] = []
  for (let number = 2; number <= total; number++) {
    const page = decodeInteriorPage(number, bytes.subarray((number - 1) * pageSize, number * pageSize), total)
    if (page !== null) pages.push(page)
  }
  return { pages, roots, total }
}

describe('inner pages of the trees in a database', () => {
  it.each([512, 4096, 65536])('page size %i -> every page but the first is a root or the child of exactly one inner page', (pageSize) => {
    const { pages, roots, total } = interiorOf(pageSize, 20_000)
    const reached = [...roots, ...pages.flatMap((page) => page.children)].sort((a, b) => a - b)
    expect(reached).toEqual(Array.from({ length: total - 1 }, (_, n) => n + 2))
    expect(new Set(pages.map((page) => page.of))).toEqual(new Set(['table', 'index']))
  })

  it('the tree of a table is deep -> one of its pages is chosen that appending does not touch', () => {
    const { pages, roots } = interiorOf(512, 20_000)
    const table = pages.find((page) => page.number === roots[0])
    for (let seed = 0; seed < 50; seed++) {
      const number = chooseInteriorPage(pages, new Set(), seededRandom(seed))
      const chosen = pages.find((page) => page.number === number)
      expect(chosen?.of).toBe('table')
      expect(roots).not.toContain(chosen?.number)
      expect(table?.children.at(-1)).not.toBe(chosen?.number)
    }
  })

  it('pages are in the WAL -> they are not chosen, and when all are, none is', () => {
    const { pages } = interiorOf(512, 5_000)
    const all = pages.map((page) => page.number)
    const kept = all[3] ?? 0
    expect(chooseInteriorPage(pages, new Set(all.filter((number) => number !== kept)), seededRandom(1))).toBe(kept)
    expect(chooseInteriorPage(pages, new Set(all), seededRandom(1))).toBeNull()
  })

  it('the only inner pages are roots -> a root is better than nothing', () => {
    const { pages, roots } = interiorOf(4096, 300)
    expect(pages.map((page) => page.number).sort()).toEqual(roots)
    expect(chooseInteriorPage(pages, new Set(), seededRandom(1))).toBe(roots[0])
  })

  it('bytes that are no inner page -> not taken for one', () => {
    const page = (change: (bytes: Uint8Array) => void): Uint8Array => {
      const bytes = new Uint8Array(512)
      bytes.set([5, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 3, 1, 0])
      bytes.set([0, 0, 0, 4], 256)
      change(bytes)
      return bytes
    }
    expect(
      decodeInteriorPage(
        2,
        page(() => undefined),
        10,
      ),
    ).toEqual({ number: 2, of: 'table', children: [4, 3] })
    expect(
      decodeInteriorPage(
        2,
        page((bytes) => bytes.set([13], 0)),
        10,
      ),
    ).toBeNull()
    expect(
      decodeInteriorPage(
        2,
        page((bytes) => bytes.set([0, 0], 3)),
        10,
      ),
    ).toBeNull()
    expect(
      decodeInteriorPage(
        2,
        page((bytes) => bytes.set([255, 255], 3)),
        10,
      ),
    ).toBeNull()
    expect(
      decodeInteriorPage(
        2,
        page((bytes) => bytes.set([255, 255], 12)),
        10,
      ),
    ).toBeNull()
    expect(
      decodeInteriorPage(
        2,
        page((bytes) => bytes.set([99], 11)),
        10,
      ),
    ).toBeNull()
    expect(
      decodeInteriorPage(
        3,
        page(() => undefined),
        10,
      ),
    ).toBeNull()
  })
})
