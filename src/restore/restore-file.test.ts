/** From a plan to a file: what is written, and every way in which a replica can be wrong without a wrong database coming of it. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { goldenBytes, wholeLtx } from '../../test/golden/specimens.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { outputFiles } from '../adapters/filesystem/output-file.ts'
import { isDrError } from '../errors.ts'
import { checksumFlag, pageChecksum } from '../ltx/checksum.ts'
import { encodeLtx } from '../ltx/encode.ts'
import { encodeRestorePoint } from '../ltx/restore-point.ts'
import { newestComplete, readCatalogue } from '../replica/catalogue.ts'
import { fileKey, snapshotLevel } from '../replica/layout.ts'
import { planRestore, type RestoreTarget } from '../replica/plan.ts'
import { type Restored, restoreFile } from './restore-file.ts'

const pageSize = 512
const template = wholeLtx(goldenBytes('ltx/incremental-of-no-page.ltx')).header

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-restore-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Fill bytes of the pages, in order: [7, 8] is a database of a page of sevens and a page of eights. */
type Fills = readonly number[]

const pageOf = (fill: number): Uint8Array => new Uint8Array(pageSize).fill(fill)
const bytesOf = (fills: Fills): Buffer => Buffer.concat(fills.map(pageOf))
const rollingOf = (fills: Fills): bigint => fills.reduce((sum, fill, at) => sum ^ pageChecksum(at + 1, pageOf(fill)), checksumFlag)

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
function put({ level, minTxid, maxTxid, after, pages, rolling = rollingOf(after) | checksumFlag }: FileSpec): string {
  const said = rolling === null ? null : encodeRestorePoint({ postApply: rolling, frameChecksum: null, commits: 1, spanMs: 0 })
  const header = { ...template, pageSize, commit: after.length, minTxid, maxTxid, reserved: said ?? new Uint8Array(20) }
  const numbers = pages ?? after.map((_, at) => at + 1)
  const key = fileKey('file', null, level, minTxid, maxTxid)
  const path = join(folder, 'replica', key)
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
const output = (): string => join(folder, 'restored.db')

async function restore(target: RestoreTarget = 'latest'): Promise<Restored> {
  const store = await openFolderStore('file:replica', join(folder, 'replica'))
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
    expect(restored).toMatchObject({ txid: 3, pages: 3, sizeBytes: 1536, filesRead: 3, sum: rollingOf([1, 6, 9]) | checksumFlag })
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
        rmSync(join(folder, 'replica'), { recursive: true, force: true })
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
      { numRuns: 25 },
    )
  })
})

describe('a replica that is wrong', () => {
  const twoFlushes = (): readonly string[] => [snapshot(1, [1, 2, 3]), flush(2, [1, 5, 3], [2]), flush(3, [1, 6, 9], [2, 3])]
  const pathOf = (key: string): string => join(folder, 'replica', key)

  it('a file cut short, at any byte -> LTX_DAMAGED with its name, whichever of the plan it is', async () => {
    for (const key of twoFlushes()) {
      const sound = readFileSync(pathOf(key))
      for (let length = 0; length < sound.length; length += 7) {
        writeFileSync(pathOf(key), sound.subarray(0, length))
        expect(await refusal(restore()), `${key} cut at ${length}`).toMatch(new RegExp(`^LTX_DAMAGED: ${key}: `))
        rmSync(output())
      }
      writeFileSync(pathOf(key), sound)
    }
  })

  it('a bit flipped anywhere -> LTX_DAMAGED with its name, or the very same database', async () => {
    const right = bytesOf([1, 6, 9])
    const [, , key = ''] = twoFlushes()
    const sound = readFileSync(pathOf(key))
    const harmless: number[] = []
    for (let bit = 0; bit < sound.length * 8; bit++) {
      const altered = Buffer.from(sound)
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      writeFileSync(pathOf(key), altered)
      const said = await refusal(restore())
      if (said === 'nothing was refused') {
        expect(readFileSync(output()).equals(right), `bit ${bit}`).toBe(true)
        harmless.push(bit)
      } else expect(said, `bit ${bit & 7} of byte ${bit >> 3}`).toMatch(new RegExp(`^LTX_(DAMAGED|UNSUPPORTED): ${key}: `))
      rmSync(output())
    }
    console.log(`${sound.length * 8} bits, ${harmless.length} of them harmless`)
  })
})
