/**
 * From a plan to a database file: always a new file, every page written by the newest file that has it, everything checked.
 * If we die here: a partial file under the temporary name, which nobody takes for a database, because only `place` gives it its name.
 */
import { DrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { OutputFiles } from '../ports/output-file.ts'
import type { RestorePlan } from '../replica/plan.ts'
import { type PlanRead, readPlan } from '../replica/read-plan.ts'
import { PageWriter } from './page-writer.ts'

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
