/**
 * From a plan to a database file: always a new file, every page written by the newest file that has it, everything checked.
 * If we die here: a partial file under the temporary name, which nobody takes for a database, because only `place` gives it its name.
 */
import { DrError } from '../errors.ts'
import { lockPage } from '../ltx/lock-page.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { OutputFile, OutputFiles } from '../ports/output-file.ts'
import { PageSums } from '../replica/page-sums.ts'
import type { RestorePlan } from '../replica/plan.ts'
import { type PageSink, type PlanRead, readPlan } from '../replica/read-plan.ts'
import { KiB } from '../units.ts'

export interface Restored extends PlanRead {
  readonly txid: number
  readonly sizeBytes: number
  /** Rolling checksum of what was written. */
  readonly sum: bigint
  /** What was proven, in words, each with how. */
  readonly verified: readonly string[]
}

export interface RestoreProgress {
  readonly bytesRead: number
  readonly bytesTotal: number
}

/**
 * The durable file at `path` is the database as of the plan's end.
 * @throws LTX_DAMAGED, LTX_UNSUPPORTED, OBJECT_MISSING, VERIFICATION_FAILED, OUTPUT_EXISTS, DISK_FULL, IO_FAILED, STORE_UNAVAILABLE
 */
export async function restoreFile(
  store: ObjectStore,
  plan: RestorePlan,
  files: OutputFiles,
  path: string,
  onProgress: (progress: RestoreProgress) => void = () => {},
): Promise<Restored> {
  const output = files.create(path)
  try {
    const writer = new PageWriter(output)
    const read = await readPlan(store, plan, writer, (bytesRead) => onProgress({ bytesRead, bytesTotal: plan.sizeBytes }))
    const sum = writer.finish(read.pages)
    requireEqual(read.rolling, sum, plan.txid)
    const sizeBytes = read.pages * read.pageSize
    output.resize(sizeBytes)
    output.sync()
    return { ...read, txid: plan.txid, sizeBytes, sum, verified: verifiedBy(read) }
  } finally {
    output.close()
  }
}

function verifiedBy(read: PlanRead): readonly string[] {
  const files = `checksum of ${read.filesRead === 1 ? 'the file' : `each of ${read.filesRead} files`} read`
  return read.rolling === null ? [files] : [files, 'rolling checksum of the whole database']
}

function requireEqual(expected: bigint | null, observed: bigint, txid: number): void {
  if (expected === null || expected === observed) return
  throw new DrError('VERIFICATION_FAILED', {
    what: `the restored database has the rolling checksum ${hex(observed)}; at ${formatTxid(txid)} it was ${hex(expected)}`,
    untouched: 'Nothing was put in place of the database.',
    next: 'Restore an earlier point (genesis-dr backup-status), and keep this replica: it needs to be looked at.',
  })
}

const hex = (sum: bigint): string => sum.toString(16).padStart(16, '0')

/** Chosen: 256 KiB of neighbouring pages a write: 1 GiB took 0.25 s so, and 0.7 to 2 s by pieces of 512 KiB or more (ext4, Linux 6.18). */
const runBytes = 256 * KiB

/** Gathers neighbouring pages into one write, and keeps the checksum of every page. */
class PageWriter implements PageSink {
  readonly #output: OutputFile
  readonly #sums = new PageSums()
  #run = new Uint8Array(0)
  #pageSize = 0
  #firstPage = 0
  #filled = 0

  constructor(output: OutputFile) {
    this.#output = output
  }

  begin(pageSize: number, pages: number): void {
    if (pageSize !== this.#pageSize) {
      this.#flush()
      this.#pageSize = pageSize
      this.#run = new Uint8Array(Math.max(runBytes, pageSize))
    }
    // A database that shrinks and grows again must not show pages of before.
    this.#flush()
    this.#sums.resize(pages)
    this.#output.resize(pages * pageSize)
  }

  page(number: number, page: Uint8Array, high: number, low: number): void {
    const follows = number === this.#firstPage + this.#filled / this.#pageSize
    if (!follows || this.#filled === this.#run.length) {
      this.#flush()
      this.#firstPage = number
    }
    this.#run.set(page, this.#filled)
    this.#filled += page.length
    this.#sums.set(number, high, low)
  }

  /** Rolling checksum of all. @throws LTX_DAMAGED when a page was never written */
  finish(pages: number): bigint {
    this.#flush()
    this.#sums.resize(pages)
    const missing = this.#sums.firstMissing(lockPage(this.#pageSize))
    if (missing === null) return this.#sums.rolling
    throw new DrError('LTX_DAMAGED', {
      what: `page ${missing} of ${pages} is in no file of the plan`,
      untouched: 'Nothing was put in place of the database.',
      next: 'Restore another point: genesis-dr backup-status lists them.',
    })
  }

  #flush(): void {
    if (this.#filled > 0) this.#output.write((this.#firstPage - 1) * this.#pageSize, this.#run.subarray(0, this.#filled))
    this.#firstPage += this.#pageSize === 0 ? 0 : this.#filled / this.#pageSize
    this.#filled = 0
  }
}
