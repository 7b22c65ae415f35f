/** Pages taken out by index against pages that a whole read gives. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { putTimeline } from '../../test/support/small-replica.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { encodeLtx } from '../ltx/encode.ts'
import { reservedBytes } from '../ltx/restore-point.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { findPages } from './find-pages.ts'
import { fileKey, type ReplicaFile, snapshotLevel } from './layout.ts'
import { readPlan } from './read-plan.ts'

const pageSize = 512
let folder = ''
let store: ObjectStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-pages-'))
  await openStore('replica')
})
afterEach(() => rmSync(folder, { recursive: true }))

async function openStore(name: string): Promise<void> {
  store = await openFolderStore('file:replica', join(folder, name))
  await putTimeline(store, '00000001')
}

async function put(txid: number, commit: number, pages: ReadonlyMap<number, number>): Promise<ReplicaFile> {
  const level = txid === 1 ? snapshotLevel : 0
  const header = {
    noChecksum: true,
    pageSize,
    commit,
    minTxid: txid,
    maxTxid: txid,
    timestampMs: txid,
    preApply: 0n,
    walOffset: 32,
    walSize: 0,
    walSalt1: 0,
    walSalt2: 0,
    nodeId: 0n,
    reserved: new Uint8Array(reservedBytes),
  }
  const sorted = [...pages].sort((a, b) => a[0] - b[0])
  const body = encodeLtx(
    header,
    sorted.map(([page, fill]) => [page, new Uint8Array(pageSize).map((_, at) => (fill * (at + 1)) % 251)]),
  )
  const key = fileKey(store.layout, '00000001', level, txid, txid)
  await store.create(key, body, txid)
  return { key, level, minTxid: txid, maxTxid: txid, sizeBytes: body.length, timestampMs: txid }
}

describe('pages taken out of a replica', () => {
  it('any history of flushes -> the newest content of each page, as a whole read gives it', async () => {
    const flush = fc.array(fc.tuple(fc.integer({ min: 1, max: 400 }), fc.nat(255)), { minLength: 1, maxLength: 30 })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(flush, { maxLength: 6 }), fc.uniqueArray(fc.integer({ min: 1, max: 420 })), async (flushes, wanted) => {
        await openStore(`${run++}`)
        const files = [await put(1, 400, new Map(Array.from({ length: 400 }, (_, at) => [at + 1, at % 256])))]
        for (const [at, pages] of flushes.entries()) files.push(await put(at + 2, 400, new Map(pages)))
        const whole = new Map<number, string>()
        await readPlan(store, { files }, { begin: () => {}, page: (number, page) => whole.set(number, Buffer.from(page).toString('hex')) })
        const found = await findPages(store, { files }, new Set(wanted))
        expect([...found].map(([page, { content }]) => [page, Buffer.from(content).toString('hex')]).sort()).toEqual(
          wanted
            .filter((page) => page <= 400)
            .map((page) => [page, whole.get(page)])
            .sort(),
        )
      }),
      { numRuns: 40 },
    )
  })

  it('the index of a file is damaged -> said with the byte, nothing is made up', async () => {
    const file = await put(
      1,
      3,
      new Map([
        [1, 1],
        [2, 2],
        [3, 3],
      ]),
    )
    const spoilt: ObjectStore = {
      ...store,
      open: async (key) => {
        const object = await store.open(key)
        return {
          ...object,
          sizeBytes: object.sizeBytes,
          read: async (offset, into) => {
            const count = await object.read(offset, into)
            if (offset === file.sizeBytes - 24) into.fill(0xff)
            return count
          },
        }
      },
    }
    await expect(findPages(spoilt, { files: [file] }, new Set([2]))).rejects.toThrow('its page index claims')
  })
})
