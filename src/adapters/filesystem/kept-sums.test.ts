/** Page checksums that a capture keeps in a file, for its next life. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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
  const again = must(PageSums.fromBlocks(kept.of.pages, kept.bytes), 'they are whole')
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
  expect(PageSums.fromBlocks(pages, bytes)?.rolling).toBe(sums.rolling)
})

describe('whatever became of the file', () => {
  const of = { timelineId: 'a', txid: 7, pageSize: 512, pages }
  const pathOf = (): string => join(folder, 'page-sums')
  let rolling = 0n
  beforeEach(() => {
    const sums = someSums()
    rolling = sums.rolling
    keptSumsIn(folder).write(of, sums.takeChanged())
  })
  const rollingKept = async (): Promise<bigint | null> => {
    const kept = await keptSumsIn(folder).read()
    return kept === null ? null : (PageSums.fromBlocks(kept.of.pages, kept.bytes)?.rolling ?? null)
  }
  const sayInHead = (over: object): void => {
    const bytes = readFileSync(pathOf())
    bytes.fill(0x20, 0, 4096)
    bytes.write(JSON.stringify({ format: 1, ...of, ...over }))
    writeFileSync(pathOf(), bytes)
  }

  it('more stands behind them, of a database that was larger -> what they were', async () => {
    writeFileSync(pathOf(), Buffer.concat([readFileSync(pathOf()), Buffer.from('left of it')]))
    expect(await rollingKept()).toBe(rolling)
  })
  it.each([0, 17, 4096, 5001, 8192, 16_383])('cut to %d bytes by a full disk or fsck -> none are known', async (bytes) => {
    truncateSync(pathOf(), bytes)
    expect(await rollingKept()).toBeNull()
  })
  it.each([-1, 1.5, 2 ** 32, Number.MAX_SAFE_INTEGER, 1e300])('the head counts %d pages -> none are known', async (counted) => {
    sayInHead({ pages: counted })
    expect(await rollingKept()).toBeNull()
  })
  it.each(['txid', 'pageSize'])('the head has a broken %s -> none are known', async (field) => {
    sayInHead({ [field]: -0.5 })
    expect(await rollingKept()).toBeNull()
  })
  it('something is there that cannot be read as a file -> none are known, and nothing ends of it', async () => {
    rmSync(pathOf())
    mkdirSync(pathOf())
    expect(await rollingKept()).toBeNull()
  })
})
