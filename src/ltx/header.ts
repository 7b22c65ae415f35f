/**
 * The 100 bytes that open an LTX file. Pure. All integers are big-endian.
 * Source: superfly/ltx v0.5.2, read 2026-11: magic, flags, page size, commit, first and last txid, time, pre-apply checksum, offset and
 * size of the log that was read, its salts, node id, 20 reserved bytes.
 */
import { DrError } from '../errors.ts'
import { checksumFlag } from './checksum.ts'
import { isPageSize } from './lock-page.ts'
import { reservedBytes } from './restore-point.ts'

export const headerBytes = 100
const magic = 0x4c545831
const noChecksumFlag = 2

export interface LtxHeader {
  /** The file carries no checksums of the database in the format's own fields: all that Litestream reads and we write. */
  readonly noChecksum: boolean
  readonly pageSize: number
  /** Pages in the database after this file. */
  readonly commit: number
  readonly minTxid: number
  readonly maxTxid: number
  /** ms since the epoch. */
  readonly timestampMs: number
  readonly preApply: bigint
  readonly walOffset: number
  readonly walSize: number
  readonly walSalt1: number
  readonly walSalt2: number
  readonly nodeId: bigint
  readonly reserved: Uint8Array
}

export function isSnapshot(header: Pick<LtxHeader, 'minTxid'>): boolean {
  return header.minTxid === 1
}

export function encodeHeader(header: LtxHeader): Uint8Array {
  const bytes = new Uint8Array(headerBytes)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic)
  view.setUint32(4, header.noChecksum ? noChecksumFlag : 0)
  view.setUint32(8, header.pageSize)
  view.setUint32(12, header.commit)
  view.setBigUint64(16, BigInt(header.minTxid))
  view.setBigUint64(24, BigInt(header.maxTxid))
  view.setBigInt64(32, BigInt(header.timestampMs))
  view.setBigUint64(40, header.preApply)
  view.setBigInt64(48, BigInt(header.walOffset))
  view.setBigInt64(56, BigInt(header.walSize))
  view.setUint32(64, header.walSalt1)
  view.setUint32(68, header.walSalt2)
  view.setBigUint64(72, header.nodeId)
  bytes.set(header.reserved, 80)
  decodeHeader(bytes)
  return bytes
}

/** @throws LTX_DAMAGED with the field that breaks a rule */
export function decodeHeader(bytes: Uint8Array): LtxHeader {
  if (bytes.length < headerBytes) throw damaged(0, `the header has ${bytes.length} of ${headerBytes} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0) !== magic) throw damaged(0, 'it does not begin with LTX1')
  const flags = view.getUint32(4)
  if (flags !== 0 && flags !== noChecksumFlag) throw damaged(4, `the flags 0x${flags.toString(16)} are not known`)
  const header: LtxHeader = {
    noChecksum: flags === noChecksumFlag,
    pageSize: view.getUint32(8),
    commit: view.getUint32(12),
    minTxid: safe(view.getBigUint64(16), 16, 'first txid'),
    maxTxid: safe(view.getBigUint64(24), 24, 'last txid'),
    timestampMs: safe(view.getBigInt64(32), 32, 'time'),
    preApply: view.getBigUint64(40),
    walOffset: safe(view.getBigInt64(48), 48, 'log offset'),
    walSize: safe(view.getBigInt64(56), 56, 'log size'),
    walSalt1: view.getUint32(64),
    walSalt2: view.getUint32(68),
    nodeId: view.getBigUint64(72),
    reserved: new Uint8Array(bytes.subarray(80, 80 + reservedBytes)),
  }
  requireRules(header)
  return header
}

function requireRules(header: LtxHeader): void {
  const { pageSize, commit, minTxid, maxTxid, preApply, walOffset, walSize, walSalt1, walSalt2 } = header
  if (!isPageSize(pageSize)) throw damaged(8, `${pageSize} is no page size`)
  if (commit === 0 && header.noChecksum) throw damaged(12, 'a database of no pages needs checksums')
  if (minTxid < 1) throw damaged(16, 'the first txid is 0')
  if (maxTxid < minTxid) throw damaged(24, `the last txid ${maxTxid} is below the first ${minTxid}`)
  if (isSnapshot(header) || header.noChecksum) {
    if (preApply !== 0n) throw damaged(40, 'a pre-apply checksum stands where none may')
  } else if ((preApply & checksumFlag) === 0n) throw damaged(40, 'the pre-apply checksum is missing')
  if (walOffset < 0 || walSize < 0) throw damaged(48, 'offset or size of the log is negative')
  if (walOffset === 0 && (walSize !== 0 || walSalt1 !== 0 || walSalt2 !== 0)) throw damaged(48, 'a log is described without its offset')
}

function safe(value: bigint, offset: number, name: string): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw damaged(offset, `the ${name} ${value} is out of range`)
  return number
}

/** `offset`: byte in the file where it was met. */
export function damaged(offset: number, what: string): DrError {
  return new DrError('LTX_DAMAGED', {
    what: `${what} (at byte ${offset})`,
    untouched: 'Nothing was put in place of the database; the file stays as it is.',
    next: 'Restore another point: genesis-dr backup-status lists them.',
  })
}
