/** The specimens of this folder by name. Those of `ltx/` are single files; those of `litestream/` are replicas that its daemon wrote. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { decodeLtx, type LtxTrailer } from '../../src/ltx/decode.ts'
import type { LtxHeader } from '../../src/ltx/header.ts'

const root = fileURLToPath(new URL('.', import.meta.url))

export const goldenPath = (path: string): string => `${root}${path}`

/** A copy, so that a test may damage it. */
export const goldenBytes = (path: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(goldenPath(path)))

/** Paths of every LTX file at or below `folder`, sorted. */
export function ltxFilesIn(folder: string): readonly string[] {
  const names = readdirSync(goldenPath(folder), { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.endsWith('.ltx'))
    .map((name) => `${folder}/${name}`)
    .sort()
}

export interface WholeLtx extends LtxTrailer {
  readonly header: LtxHeader
  readonly pages: readonly (readonly [number, Uint8Array])[]
  /** Page checksums, in the order of the pages. */
  readonly sums: readonly bigint[]
}

export function wholeLtx(bytes: Uint8Array): WholeLtx {
  const headers: LtxHeader[] = []
  const pages: [number, Uint8Array][] = []
  const sums: bigint[] = []
  const trailer = decodeLtx(bytes, {
    onHeader: (header) => headers.push(header),
    onPage: (number, page, high, low) => {
      pages.push([number, page.slice()])
      sums.push((BigInt(high) << 32n) | BigInt(low))
    },
  })
  const header = headers[0]
  if (header === undefined) throw new Error('no header was delivered')
  return { ...trailer, header, pages, sums }
}
