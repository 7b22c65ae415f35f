/** Transaction ids as text: 16 lower-case hex digits. Pure. */
import { assert } from '../assert.ts'

export function formatTxid(txid: number): string {
  assert(Number.isSafeInteger(txid) && txid >= 0, () => `${txid} is not a txid`)
  return txid.toString(16).padStart(16, '0')
}

/** null for anything but 1 to 16 hex digits of a safe integer >= 1. */
export function parseTxid(text: string): number | null {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text)) return null
  const txid = Number.parseInt(text, 16)
  return Number.isSafeInteger(txid) && txid >= 1 ? txid : null
}
