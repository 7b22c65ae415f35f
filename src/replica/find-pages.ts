/** The newest content of a few pages, taken out of the files of a plan by their indexes, without reading the files whole. */
import { damaged, decodeHeader, headerBytes } from '../ltx/header.ts'
import { decodePageFrame } from '../ltx/page-frame.ts'
import { decodePageIndex, type IndexedPage, indexLengthBytes } from '../ltx/page-index.ts'
import type { ObjectStore, OpenObject } from '../ports/object-store.ts'
import type { ReplicaFile } from './layout.ts'
import type { RestorePlan } from './plan.ts'

export interface FoundPage {
  /** Not verified: to be compared with the checksum that it must have. */
  readonly content: Uint8Array
  /** Bytes that it takes there. */
  readonly storedBytes: number
  /** The file that has it. */
  readonly file: ReplicaFile
}

const trailerBytes = 16

/** A page that is in no file of the plan is not in the result. @throws OBJECT_MISSING, LTX_DAMAGED, STORE_UNAVAILABLE */
export async function findPages(
  store: ObjectStore,
  { files }: Pick<RestorePlan, 'files'>,
  pages: ReadonlySet<number>,
): Promise<ReadonlyMap<number, FoundPage>> {
  const found = new Map<number, FoundPage>()
  for (const file of files.toReversed()) {
    if (found.size === pages.size) break
    const object = await store.open(file.key)
    try {
      const { pageSize } = decodeHeader(await bytesOf(object, 0, headerBytes))
      for (const { page, offset, size } of await indexOf(object)) {
        if (!pages.has(page) || found.has(page)) continue
        found.set(page, { content: decodePageFrame(await bytesOf(object, offset, size), page, pageSize), storedBytes: size, file })
      }
    } finally {
      await object.close()
    }
  }
  return found
}

async function indexOf(object: OpenObject): Promise<readonly IndexedPage[]> {
  const end = object.sizeBytes - trailerBytes - indexLengthBytes
  const length = end < 0 ? 0 : Number(new DataView((await bytesOf(object, end, indexLengthBytes)).buffer).getBigUint64(0))
  if (length > end - headerBytes) throw damaged(Math.max(0, end), `its page index claims ${length} bytes`)
  return [...decodePageIndex(await bytesOf(object, end - length, length))]
}

async function bytesOf(object: OpenObject, offset: number, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size)
  return bytes.subarray(0, await object.read(offset, bytes))
}
