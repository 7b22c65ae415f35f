/** Page checksums that a capture keeps in a file, for its next life. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { must } from '../../assert.ts'
import { PageSums } from '../../replica/page-sums.ts'
import { keptSumsIn } from './kept-sums.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-sums-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** More than one block of them. */
const pages = 1300

function someSums(): PageSums {
  const sums = new PageSums()
  sums.resize(pages)
  for (let page = 1; page <= pages; page++) sums.put(page, new Uint8Array(512).fill(page))
  return sums
}

it('a capture is killed and started again -> the checksums that it kept are those that it had', async () => {
  const sums = someSums()
  keptSumsIn(folder).write({ timelineId: 'a', txid: 7, pageSize: 512, pages }, sums.takeChanged())
  const kept = must(await keptSumsIn(folder).read(), 'they were kept')
  const again = PageSums.fromBlocks(kept.of.pages, kept.bytes)
  expect([...again.differingFrom(sums)]).toEqual([])
  expect(again.rolling).toBe(sums.rolling)
})

it('one page changes -> only its block is written, and the rest stays what it was', async () => {
  const sums = someSums()
  const kept = keptSumsIn(folder)
  kept.write({ timelineId: 'a', txid: 7, pageSize: 512, pages }, sums.takeChanged())
  sums.put(600, new Uint8Array(512))
  const blocks = [...sums.takeChanged()]
  expect(blocks.map(({ at }) => at)).toEqual([1])
  kept.write({ timelineId: 'a', txid: 8, pageSize: 512, pages }, blocks)
  const { of, bytes } = must(await kept.read(), 'they were kept')
  expect(of.txid).toBe(8)
  expect(PageSums.fromBlocks(pages, bytes).rolling).toBe(sums.rolling)
})
