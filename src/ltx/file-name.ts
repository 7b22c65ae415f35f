/** Names of LTX files: `<first txid>-<last txid>.ltx`. Pure. */
import { formatTxid } from './txid.ts'

export function ltxFileName(minTxid: number, maxTxid: number): string {
  return `${formatTxid(minTxid)}-${formatTxid(maxTxid)}.ltx`
}

/** null for any other name: readers pass over what they do not know. */
export function parseLtxFileName(name: string): { readonly minTxid: number; readonly maxTxid: number } | null {
  const match = /^([0-9a-f]{16})-([0-9a-f]{16})\.ltx$/.exec(name)
  if (match === null) return null
  const minTxid = Number.parseInt(match[1] ?? '', 16)
  const maxTxid = Number.parseInt(match[2] ?? '', 16)
  const valid = Number.isSafeInteger(minTxid) && Number.isSafeInteger(maxTxid) && minTxid >= 1 && maxTxid >= minTxid
  return valid ? { minTxid, maxTxid } : null
}
