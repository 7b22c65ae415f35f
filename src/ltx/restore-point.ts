/**
 * What a restore point of ours says in the 20 reserved bytes of its header, which the file's checksum covers and Litestream ignores. Pure.
 * | byte | what |
 * | 0..7 | rolling checksum of the database after this file, bit 63 set |
 * | 8..15 | checksum of the last frame of the log that is in it (s1 << 32 or s2), 0 for none |
 * | 16..19 | high 20 bits: commits in it, 1048575 for that or more; low 12 bits: ms from the first to the last, 4095 for that or more |
 */
import { assert } from '../assert.ts'
import { checksumFlag } from './checksum.ts'

export const reservedBytes = 20
const mostCommits = 0xfffff
const longestSpanMs = 0xfff

export interface RestorePoint {
  readonly postApply: bigint
  readonly frameChecksum: bigint | null
  /** null: 1048575 or more. */
  readonly commits: number | null
  readonly spanMs: number
}

export function encodeRestorePoint(point: RestorePoint): Uint8Array {
  assert((point.postApply & checksumFlag) !== 0n, 'a rolling checksum has bit 63 set')
  const bytes = new Uint8Array(reservedBytes)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, point.postApply)
  view.setBigUint64(8, point.frameChecksum ?? 0n)
  const commits = Math.min(mostCommits, point.commits ?? mostCommits)
  view.setUint32(16, commits * 4096 + Math.min(longestSpanMs, Math.max(0, Math.round(point.spanMs))))
  return bytes
}

/** null for a file that says nothing: one of Litestream. */
export function decodeRestorePoint(reserved: Uint8Array): RestorePoint | null {
  const view = new DataView(reserved.buffer, reserved.byteOffset, reserved.byteLength)
  const postApply = view.getBigUint64(0)
  if ((postApply & checksumFlag) === 0n) return null
  const frameChecksum = view.getBigUint64(8)
  const last = view.getUint32(16)
  const commits = last >>> 12
  return {
    postApply,
    frameChecksum: frameChecksum === 0n ? null : frameChecksum,
    commits: commits === mostCommits ? null : commits,
    spanMs: last & longestSpanMs,
  }
}
