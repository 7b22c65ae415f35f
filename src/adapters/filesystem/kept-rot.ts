/** The damaged pages that a capture remembers, in `damaged-pages.json` of its folder. */
import { join } from 'node:path'
import type { KeptRot, PageChecksum } from '../../ports/kept-rot.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

export function keptRotIn(folder: string): KeptRot {
  const path = join(folder, 'damaged-pages.json')
  return {
    read: async () => new Map(Object.entries((await readStateFile(path)) ?? {}).flatMap(decode)),
    write: (rot) => writeStateFile(path, Object.fromEntries([...rot].map(([page, { high, low }]) => [page, [high, low]]))),
  }
}

/** Nothing where it makes no sense: then the page is as any other. */
function decode([key, value]: readonly [string, unknown]): readonly (readonly [number, PageChecksum])[] {
  const [page, [high, low]]: readonly [number, readonly unknown[]] = [Number(key), Array.isArray(value) ? value : []]
  if (!Number.isInteger(page) || page < 1 || typeof high !== 'number' || typeof low !== 'number') return []
  return [[page, { high, low }]]
}
