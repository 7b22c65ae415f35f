/**
 * From a damaged file to a sound one: a copy of its pages, with those that are not what was committed taken from the replica. Nothing is
 * given up, and the whole is verified by the recorded checksum, so that what was judged wrongly could not pass.
 * If we die here: a partial file under the temporary name, which nobody takes for a database, because only `place` gives it its name.
 */
import { DrError } from '../errors.ts'
import { sumPage } from '../ltx/checksum.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { OutputFiles } from '../ports/output-file.ts'
import { findPages } from '../replica/find-pages.ts'
import type { PageSums } from '../replica/page-sums.ts'
import type { RestorePlan } from '../replica/plan.ts'
import { PageWriter } from './page-writer.ts'

/**
 * Every page of the damaged file, each at most once, null is a place to pause. `page` is valid until the next one is asked for; null: the
 * disk does not give it.
 */
export type FilePages = Iterable<{ readonly number: number; readonly page: Uint8Array | null } | null>

export interface Truth {
  /** Checksums of every page as of the end of `plan`. */
  readonly sums: PageSums
  readonly plan: RestorePlan
  /** Bytes. */
  readonly pageSize: number
}

export interface Repaired {
  /** Pages that the file does not have as they were committed, ascending. */
  readonly replaced: readonly number[]
  /** Pages of the database. */
  readonly of: number
  /** Of what stands at the path now; null: nothing was to be repaired, or too much, and what was begun there is to be removed. */
  readonly file: { readonly sizeBytes: number; readonly filesRead: number; readonly bytesRead: number } | null
}

/** Chosen: beyond a quarter of all pages the replica is read whole anyway, and a plain restore does that better. */
const mostReplaced = 0.25
/** Chosen: so many at once are 4 MiB of the usual pages. */
const pagesAtOnce = 1000

/**
 * The durable file at `path` is the database as of the plan's end, where anything was to be repaired and not too much.
 * @throws LTX_DAMAGED, OBJECT_MISSING, VERIFICATION_FAILED when the replica has a page otherwise too; OUTPUT_EXISTS, DISK_FULL, IO_FAILED, STORE_UNAVAILABLE
 */
export async function repairFile(
  store: ObjectStore,
  { sums, plan, pageSize }: Truth,
  pages: FilePages,
  outputs: OutputFiles,
  path: string,
  pause: () => Promise<void>,
): Promise<Repaired> {
  const output = outputs.create(path)
  try {
    const writer = new PageWriter(output)
    writer.begin(pageSize, sums.pages)
    const missing = new Set(sums.known())
    const sum = { high: 0, low: 0 }
    const takeIfTrue = (number: number, page: Uint8Array): boolean => {
      sumPage(number, page, sum)
      if (!sums.equals(number, sum.high, sum.low)) return false
      writer.page(number, page, sum.high, sum.low)
      return true
    }
    for (const item of pages) {
      if (item === null) await pause()
      else if (item.page !== null && missing.has(item.number) && takeIfTrue(item.number, item.page)) missing.delete(item.number)
    }
    const replaced = [...missing].sort((a, b) => a - b)
    if (replaced.length === 0 || replaced.length > mostReplaced * sums.pages) return { replaced, of: sums.pages, file: null }
    const files = new Set<string>()
    let bytesRead = 0
    for (let at = 0; at < replaced.length; at += pagesAtOnce) {
      const wanted = new Set(replaced.slice(at, at + pagesAtOnce))
      const found = await findPages(store, plan, wanted)
      for (const number of wanted) {
        const page = found.get(number)
        if (page === undefined || !takeIfTrue(number, page.content))
          throw notTrue(`page ${number} is in the replica otherwise than it was committed`)
        files.add(page.file.key)
        bytesRead += page.storedBytes
      }
    }
    if (writer.finish(sums.pages) !== sums.rolling) throw notTrue('the repaired file has another rolling checksum than was recorded')
    output.sync()
    return { replaced, of: sums.pages, file: { sizeBytes: sums.pages * pageSize, filesRead: files.size, bytesRead } }
  } finally {
    output.close()
  }
}

function notTrue(what: string): DrError {
  return new DrError('VERIFICATION_FAILED', {
    what,
    untouched: 'Nothing was put in place of the database.',
    next: 'The newest point that is sound is searched for instead.',
  })
}
