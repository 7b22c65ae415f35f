/** Reading the files of a restore plan in order: every page of every file, each file checked whole by its own checksum. */
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import { LtxDecoder } from '../ltx/decode.ts'
import type { LtxHeader } from '../ltx/header.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { ReplicaFile } from './layout.ts'
import type { RestorePlan } from './plan.ts'
import { inFile, readPieces } from './read-object.ts'

export interface PageSink {
  /** Before the first page of each file. `pages`: of the database after it. */
  begin(pageSize: number, pages: number): void
  /** `page` is valid during the call. `high`, `low`: halves of its checksum. */
  page(number: number, page: Uint8Array, high: number, low: number): void
}

export interface PlanRead {
  readonly pageSize: number
  /** Pages in the database at the end. */
  readonly pages: number
  readonly timestampMs: number
  /** What the last file says the rolling checksum is, null when it says nothing (Litestream's files). */
  readonly rolling: bigint | null
  readonly filesRead: number
  readonly bytesRead: number
}

/** The database that files are read on top of. */
export type ReadAfter = Pick<LtxHeader, 'pageSize' | 'commit'>

/**
 * `after`: the files go on from there; null: they begin with a snapshot. `onBytes` is told the bytes read so far.
 * @throws LTX_DAMAGED, LTX_UNSUPPORTED, OBJECT_MISSING, REPLICA_EMPTY, STORE_UNAVAILABLE
 */
export async function readPlan(
  store: ObjectStore,
  plan: Pick<RestorePlan, 'files'>,
  sink: PageSink,
  onBytes: (bytes: number) => void = () => {},
  after: ReadAfter | null = null,
): Promise<PlanRead> {
  let bytesRead = 0
  let last: LtxHeader | null = null
  for (const file of plan.files) {
    const former: ReadAfter | null = last ?? after
    const decoder = new LtxDecoder({
      onHeader: (header) => {
        requireNamed(file, header, former)
        sink.begin(header.pageSize, header.commit)
        last = header
      },
      onPage: (number, page, high, low) => sink.page(number, page, high, low),
    })
    try {
      for await (const piece of readPieces(store, file.key)) {
        decoder.write(piece)
        bytesRead += piece.length
        onBytes(bytesRead)
      }
      decoder.end()
    } catch (error) {
      throw inFile(error, file.key)
    }
  }
  const header: LtxHeader = must<LtxHeader>(last, 'a plan has at least one file')
  return {
    pageSize: header.pageSize,
    pages: header.commit,
    timestampMs: header.timestampMs,
    rolling: decodeRestorePoint(header.reserved)?.postApply ?? null,
    filesRead: plan.files.length,
    bytesRead,
  }
}

/** No page takes fewer bytes in a file: its head alone has 10, and 6 in the former encoding, where the frame's own head follows. */
const leastPageBytes = 10

function requireNamed(file: ReplicaFile, header: LtxHeader, former: ReadAfter | null): void {
  const said = `${formatTxid(header.minTxid)}-${formatTxid(header.maxTxid)}`
  if (header.minTxid !== file.minTxid || header.maxTxid !== file.maxTxid) {
    throw damaged(`it says inside that it is ${said}, which is not its name`)
  }
  if (former !== null && former.pageSize !== header.pageSize && header.minTxid !== 1) {
    throw damaged(`its pages have ${header.pageSize} bytes, those of the file before it ${former.pageSize}`)
  }
  // Each page by which the database grew is in the file with a head of its own; otherwise one flipped bit would ask for terabytes.
  if (header.commit > (former?.commit ?? 0) + file.sizeBytes / leastPageBytes + 1) {
    throw damaged(`its ${file.sizeBytes} bytes cannot hold the pages of a database of ${header.commit}`)
  }
}

function damaged(what: string): DrError {
  return new DrError('LTX_DAMAGED', { what, untouched: '', next: '' })
}
