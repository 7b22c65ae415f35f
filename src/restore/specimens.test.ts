/** Replicas that real Litestream wrote, in both page encodings: at every listed txid the bytes that its own restore gave. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { goldenPath } from '../../test/golden/specimens.ts'
import { sha256Of } from '../../test/support/oracles.ts'
import { clear, makeSystem, query, type TestSystem } from '../../test/support/system.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { outputFiles } from '../adapters/filesystem/output-file.ts'
import { parseTxid } from '../ltx/txid.ts'
import { newestComplete, readCatalogue } from '../replica/catalogue.ts'
import { planRestore, type RestoreTarget } from '../replica/plan.ts'
import { restoreFile } from './restore-file.ts'

interface Expected {
  readonly latest_txid: string
  readonly restores: readonly {
    /** 16 hex digits, or 'latest'. */
    readonly txid: string
    readonly sha256: string
    readonly bytes: number
    /** count(*) and max(id) */
    readonly orders: readonly [number, number]
  }[]
}

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

async function restoreSpecimen(folder: string, target: RestoreTarget) {
  const store = await openFolderStore(`file:${folder}`, goldenPath(folder))
  const catalogue = await readCatalogue(store)
  expect(catalogue.foreign).toBe(true)
  const path = join(system.folder, 'restored.db')
  return { ...(await restoreFile(store, planRestore(newestComplete(catalogue).files, target), outputFiles, path)), path }
}

for (const specimen of ['blocks-of-0.5.16', 'frames-of-0.5.14']) {
  const expected: Expected = JSON.parse(readFileSync(goldenPath(`litestream/${specimen}/expected.json`), 'utf8'))

  describe(`a replica of Litestream with ${specimen.replaceAll('-', ' ')}`, () => {
    for (const { txid, sha256, bytes, orders } of expected.restores) {
      it(`at ${txid} -> the bytes of Litestream's own restore`, async () => {
        const restored = await restoreSpecimen(`litestream/${specimen}/replica`, txid === 'latest' ? txid : { txid: parseTxid(txid) ?? 0 })
        expect(restored.txid).toBe(parseTxid(txid === 'latest' ? expected.latest_txid : txid))
        expect(sha256Of(restored.path)).toBe(sha256)
        expect(restored.sizeBytes).toBe(bytes)
        const [count, last] = orders
        expect(query(restored.path, 'SELECT count(*) AS count, max(id) AS last FROM orders')).toEqual({ count, last })
      })
    }
  })
}

describe('a replica with a flush by the Litestream VFS', () => {
  it('at txid 2, before it -> the expected database', async () => {
    const folder = 'ltx/replica-with-a-flush-by-litestream-vfs'
    const { path } = await restoreSpecimen(folder, { txid: 2 })
    expect(readFileSync(path).equals(readFileSync(goldenPath(`${folder}/expected-at-txid-2.db`)))).toBe(true)
  })

  it('at its end, the flush of the extension -> sound as SQLite sees it', async () => {
    const { path, txid } = await restoreSpecimen('ltx/replica-with-a-flush-by-litestream-vfs', 'latest')
    expect(txid).toBe(3)
    expect(query(path, 'PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  })
})
