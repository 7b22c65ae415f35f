/** Fills a timeline with restore points, as commits do: each is the newest one again, under the next txid. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must } from '../src/assert.ts'
import { decodeLtx } from '../src/ltx/decode.ts'
import { encodeLtx } from '../src/ltx/encode.ts'
import { ltxFileName } from '../src/ltx/file-name.ts'
import type { LtxHeader } from '../src/ltx/header.ts'

/** `folder`: of the flushes. Nobody copies to it meanwhile. The database after each of them is what it was before. */
export function manyPoints(folder: string, count: number): void {
  const newest = must(readdirSync(folder).sort().at(-1), 'there is a flush')
  let header: LtxHeader | null = null
  const pages: [number, Uint8Array][] = []
  decodeLtx(readFileSync(join(folder, newest)), {
    onHeader: (read) => {
      header = read
    },
    onPage: (number, page) => void pages.push([number, page.slice()]),
  })
  const last: LtxHeader = must<LtxHeader>(header, 'a file has a header')
  for (let txid = last.maxTxid + 1; txid <= last.maxTxid + count; txid++) {
    writeFileSync(join(folder, ltxFileName(txid, txid)), encodeLtx({ ...last, minTxid: txid, maxTxid: txid }, pages))
  }
}
