/** From a plan to a file: what is written, and every way in which a replica can be wrong without a wrong database coming of it. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { goldenBytes, goldenPath, wholeLtx } from '../../test/golden/specimens.ts'
import { recoverByUs } from '../../test/support/oracles.ts'
import { clear, makeSystem, type TestSystem } from '../../test/support/system.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { outputFiles } from '../adapters/filesystem/output-file.ts'
import { isDrError } from '../errors.ts'
import { checksumFlag, pageChecksum } from '../ltx/checksum.ts'
import { encodeLtx } from '../ltx/encode.ts'
import { encodeRestorePoint } from '../ltx/restore-point.ts'
import type { OutputFiles } from '../ports/output-file.ts'
import { newestComplete, readCatalogue } from '../replica/catalogue.ts'
import { fileKey, snapshotLevel } from '../replica/layout.ts'
import { planRestore, type RestoreTarget } from '../replica/plan.ts'
import { type Restored, restoreFile } from './restore-file.ts'

const pageSize = 512
const template = wholeLtx(goldenBytes('ltx/incremental-of-no-page.ltx')).header

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

/** Fill bytes of the pages, in order: [7, 8] is a database of a page of sevens and a page of eights. */
type Fills = readonly number[]

const pageOf = (fill: number): Uint8Array => new Uint8Array(pageSize).fill(fill)
const bytesOf = (fills: Fills): Buffer => Buffer.concat(fills.map(pageOf))
const rollingOf = (fills: Fills): bigint => fills.reduce((sum, fill, at) => sum ^ pageChecksum(at + 1, pageOf(fill)), 0n) | checksumFlag

interface FileSpec {
  readonly level: number
  readonly minTxid: number
  readonly maxTxid: number
  /** The database after it. */
  readonly after: Fills
  /** Numbers of the pages that it holds; all of them when it is left out. */
  readonly pages?: readonly number[]
  /** What it says the rolling checksum is; null for nothing, as Litestream's files. */
  readonly rolling?: bigint | null
}

/** Puts a file into the replica; returns its key. */
function put({ level, minTxid, maxTxid, after, pages, rolling = rollingOf(after) }: FileSpec): string {
  const said = rolling === null ? null : encodeRestorePoint({ postApply: rolling, frameChecksum: null, commits: 1, spanMs: 0 })
  const header = { ...template, pageSize, commit: after.length, minTxid, maxTxid, reserved: said ?? new Uint8Array(20) }
  const numbers = pages ?? after.map((_, at) => at + 1)
  const key = fileKey('folder', null, level, minTxid, maxTxid)
  const path = join(system.replica, key)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(
    path,
    encodeLtx(
      header,
      numbers.map((number) => [number, pageOf(after[number - 1] ?? 0)]),
    ),
  )
  return key
}

const snapshot = (maxTxid: number, after: Fills): string => put({ level: snapshotLevel, minTxid: 1, maxTxid, after })
const flush = (txid: number, after: Fills, pages: readonly number[]): string =>
  put({ level: 0, minTxid: txid, maxTxid: txid, after, pages })
const output = (): string => join(system.folder, 'restored.db')

async function restore(target: RestoreTarget = 'latest'): Promise<Restored> {
  const store = await openFolderStore('file:replica', system.replica)
  const { files } = newestComplete(await readCatalogue(store))
  return restoreFile(store, planRestore(files, target), outputFiles, output())
}

/** `CODE: sentence` of what it is refused with. */
async function refusal(work: Promise<unknown>): Promise<string> {
  try {
    await work
  } catch (error) {
    if (isDrError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  return 'nothing was refused'
}

describe('what a restore writes', () => {
  it('flushes after a snapshot -> of each page the newest, and the checksum of the whole proven', async () => {
    snapshot(1, [1, 2, 3])
    flush(2, [1, 5, 3], [2])
    flush(3, [1, 6, 9], [2, 3])
    const restored = await restore()
    expect(readFileSync(output()).equals(bytesOf([1, 6, 9]))).toBe(true)
    expect(restored).toMatchObject({ txid: 3, pages: 3, sizeBytes: 1536, filesRead: 3, sum: rollingOf([1, 6, 9]) })
    expect(restored.verified).toEqual(['checksum of each of 3 files read', 'rolling checksum of the whole database'])
  })

  it('an earlier point -> as it was then', async () => {
    snapshot(1, [1, 2, 3])
    flush(2, [1, 5], [2])
    flush(3, [1, 6, 9], [2, 3])
    expect((await restore({ txid: 2 })).pages).toBe(2)
    expect(readFileSync(output()).equals(bytesOf([1, 5]))).toBe(true)
  })

  it('a database that shrank and grew again -> no page of before is seen', async () => {
    snapshot(1, [1, 2, 3, 4, 5, 6])
    flush(2, [1, 2], [1])
    flush(3, [1, 2, 7, 8], [3, 4])
    await restore()
    expect(readFileSync(output()).equals(bytesOf([1, 2, 7, 8]))).toBe(true)
  })

  it('a file that a compaction covers in part -> the later file has the last word on every page', async () => {
    snapshot(1, [1, 1, 1])
    put({ level: 1, minTxid: 2, maxTxid: 4, after: [4, 4, 1], pages: [1, 2] })
    put({ level: 1, minTxid: 4, maxTxid: 6, after: [6, 4, 1], pages: [1, 2] })
    await restore()
    expect(readFileSync(output()).equals(bytesOf([6, 4, 1]))).toBe(true)
  })

  it('files of Litestream, which note no checksum of the whole -> restored, and it is said what was proven', async () => {
    put({ level: snapshotLevel, minTxid: 1, maxTxid: 1, after: [1, 2], rolling: null })
    expect((await restore()).verified).toEqual(['checksum of the file read'])
  })

  it('any history, with any of its files compacted -> the database at its end, and at every point before', async () => {
    const change = fc.record({
      pages: fc.integer({ min: 1, max: 9 }),
      writes: fc.array(fc.tuple(fc.nat(8), fc.integer({ min: 1, max: 255 }))),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(), async (history, split) => {
        rmSync(system.replica, { recursive: true, force: true })
        let now: number[] = [1, 2, 3, 4]
        const states: number[][] = [now]
        const touched: Set<number>[] = [new Set()]
        snapshot(1, now)
        for (const { pages, writes } of history) {
          const written = new Set<number>()
          const next = Array.from({ length: pages }, (_, at) => now[at] ?? 100 + at)
          for (let number = now.length + 1; number <= pages; number++) written.add(number)
          for (const [at, fill] of writes) {
            if (at >= pages) continue
            next[at] = fill
            written.add(at + 1)
          }
          now = next
          states.push(now)
          touched.push(written)
          flush(
            states.length,
            now,
            [...written].sort((a, b) => a - b),
          )
        }
        // One compaction, from some flush to the last.
        const from = 2 + (split % history.length)
        const merged = new Set(touched.slice(from - 1).flatMap((set) => [...set]))
        const held = [...merged].filter((number) => number <= now.length).sort((a, b) => a - b)
        put({ level: 1, minTxid: from, maxTxid: states.length, after: now, pages: held })
        for (const [at, state] of states.entries()) {
          await restore({ txid: at + 1 })
          expect(readFileSync(output()).equals(bytesOf(state))).toBe(true)
          rmSync(output())
        }
      }),
      { numRuns: 12 },
    )
  })
})

describe('a replica that is wrong', () => {
  const twoFlushes = (): readonly string[] => [snapshot(1, [1, 2, 3]), flush(2, [1, 5, 3], [2]), flush(3, [1, 6, 9], [2, 3])]
  const pathOf = (key: string): string => join(system.replica, key)

  it('a file cut short, at many places -> LTX_DAMAGED with its name, whichever of the plan it is', async () => {
    for (const key of twoFlushes()) {
      const sound = readFileSync(pathOf(key))
      for (let length = 0; length < sound.length; length += 11) {
        writeFileSync(pathOf(key), sound.subarray(0, length))
        expect(await refusal(restore()), `${key} cut at ${length}`).toMatch(new RegExp(`^LTX_DAMAGED: ${key}: `))
        rmSync(output())
      }
      writeFileSync(pathOf(key), sound)
    }
  })

  it('a bit flipped in every second of its bytes -> LTX_DAMAGED with its name, or the very same database', async () => {
    const [, , key = ''] = twoFlushes()
    const sound = readFileSync(pathOf(key))
    let harmless = 0
    for (let at = 0; at < sound.length; at += 2) {
      const altered = Buffer.from(sound)
      altered[at] = (altered[at] ?? 0) ^ (1 << ((at * 5) % 8))
      writeFileSync(pathOf(key), altered)
      const said = await refusal(restore())
      if (said === 'nothing was refused') {
        harmless++
        expect(readFileSync(output()).equals(bytesOf([1, 6, 9])), `byte ${at}`).toBe(true)
      } else expect(said, `byte ${at}`).toMatch(new RegExp(`^LTX_(DAMAGED|UNSUPPORTED): ${key}: `))
      rmSync(output())
    }
    expect(harmless).toBeLessThan(3)
  })

  it('a file that is sound but is not the one it is named after -> LTX_DAMAGED: it is not what the plan asked for', async () => {
    const [, second = '', third = ''] = twoFlushes()
    rmSync(pathOf(second))
    cpSync(pathOf(third), pathOf(second))
    expect(await refusal(restore())).toMatch(new RegExp(`^LTX_DAMAGED: ${second}: it says inside that it is 0000000000000003-`))
  })

  it('a flush of another page size -> LTX_DAMAGED', async () => {
    const [, , key = ''] = twoFlushes()
    const header = { ...template, pageSize: 1024, commit: 3, minTxid: 3, maxTxid: 3 }
    writeFileSync(pathOf(key), encodeLtx(header, [[2, new Uint8Array(1024)]]))
    expect(await refusal(restore())).toMatch(`LTX_DAMAGED: ${key}: its pages have 1024 bytes, those of the file before it 512`)
  })

  it('files that are each sound, but not of one history -> VERIFICATION_FAILED with both checksums', async () => {
    snapshot(1, [1, 2, 3])
    // As if the flush had been taken of a database whose first page was another one.
    put({ level: 0, minTxid: 2, maxTxid: 2, after: [1, 5, 3], pages: [2], rolling: rollingOf([9, 5, 3]) })
    const said = await refusal(restore())
    expect(said).toMatch(/^VERIFICATION_FAILED: /)
    for (const fills of [
      [1, 5, 3],
      [9, 5, 3],
    ])
      expect(said).toContain(rollingOf(fills).toString(16))
  })

  it('a flush that is missing -> REPLICA_GAP with its txid and with the last point that can be had, and nothing is written', async () => {
    const [, second = '', third = ''] = twoFlushes()
    rmSync(pathOf(second))
    const said = await refusal(restore())
    expect(said).toBe(`REPLICA_GAP: the replica has no file for 0000000000000002, yet it has ${third}`)
    await expect(restore()).rejects.toMatchObject({ next: expect.stringContaining('--txid 0000000000000001') })
    expect(readdirSync(system.folder)).toEqual(['replica'])
    expect((await restore('newest-reachable')).txid).toBe(1)
  })

  it('a file that vanishes between listing and reading -> OBJECT_MISSING with its name', async () => {
    const [, second = ''] = twoFlushes()
    const store = await openFolderStore('file:replica', system.replica)
    const plan = planRestore(newestComplete(await readCatalogue(store)).files, 'latest')
    renameSync(pathOf(second), `${pathOf(second)}.gone`)
    expect(await refusal(restoreFile(store, plan, outputFiles, output()))).toMatch(`OBJECT_MISSING: ${second} was listed`)
  })

  it('something at the output -> OUTPUT_EXISTS, and it is as it was', async () => {
    twoFlushes()
    writeFileSync(output(), 'mine')
    expect(await refusal(restore())).toMatch(/^OUTPUT_EXISTS: /)
    expect(readFileSync(output(), 'utf8')).toBe('mine')
  })

  it('a damaged file, met by recover --output -> an error that names it, and nothing at the output nor beside it', async () => {
    cpSync(goldenPath('litestream/blocks-of-0.5.16/replica'), system.replica, { recursive: true })
    const key = 'ltx/1/0000000000000008-000000000000000a.ltx'
    truncateSync(pathOf(key), 700)
    await expect(recoverByUs(system, 'restored.db', { kind: 'txid', txid: 0x0d })).rejects.toMatchObject({
      kind: 'damaged',
      exit: 1,
      message: expect.stringContaining(key),
    })
    expect(readdirSync(system.folder).filter((name) => name.startsWith('restored'))).toEqual([])
  })

  it('a flipped bit in the number of pages -> LTX_DAMAGED before a file of terabytes is asked for', async () => {
    const [, , key = ''] = twoFlushes()
    const altered = readFileSync(pathOf(key))
    altered[12] = (altered[12] ?? 0) ^ 0x80
    writeFileSync(pathOf(key), altered)
    const store = await openFolderStore('file:replica', system.replica)
    const plan = planRestore(newestComplete(await readCatalogue(store)).files, 'latest')
    let largest = 0
    const watched: OutputFiles = {
      ...outputFiles,
      create: (path) => {
        const file = outputFiles.create(path)
        const resize = (sizeBytes: number): void => {
          largest = Math.max(largest, sizeBytes)
          file.resize(sizeBytes)
        }
        return { ...file, resize }
      },
    }
    expect(await refusal(restoreFile(store, plan, watched, output()))).toMatch(`LTX_DAMAGED: ${key}: `)
    expect(largest).toBe(3 * pageSize)
  })

  it('a flush of Litestream that grows the database without its new pages -> LTX_DAMAGED, as Litestream refuses it', async () => {
    put({ level: snapshotLevel, minTxid: 1, maxTxid: 1, after: [1, 2], rolling: null })
    put({ level: 0, minTxid: 2, maxTxid: 2, after: [1, 2, 3, 4], pages: [1, 4], rolling: null })
    expect(await refusal(restore())).toMatch(/^LTX_DAMAGED: /)
  })
})
