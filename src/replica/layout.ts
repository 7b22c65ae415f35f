/**
 * Where things lie in a replica: the keys. Pure.
 * Below `<timeline>/` (8 hex digits) stands a complete replica as Litestream >= 0.5 lays it out: `ltx/<level>/<min>-<max>.ltx` in a
 * folder, `<level as 4 hex>/<min>-<max>.ltx` in a bucket. Without a timeline folder it is Litestream's own, read and never written.
 */
import { ltxFileName, parseLtxFileName } from '../ltx/file-name.ts'
import type { ObjectStore, StoredObject } from '../ports/object-store.ts'

type Layout = ObjectStore['layout']

/** The level of whole snapshots; 0 is that of single flushes. */
export const snapshotLevel = 9
export const levels: readonly number[] = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]

export interface ReplicaFile {
  readonly key: string
  readonly level: number
  /** Inclusive. */
  readonly minTxid: number
  /** Inclusive. */
  readonly maxTxid: number
  readonly sizeBytes: number
  /** The store's word for when its last commit was seen: ms since the epoch. A copied replica may have lost it; the header has it too. */
  readonly timestampMs: number
}

/** A folder prefix, ending with `/`. */
export function levelPrefix(layout: Layout, timeline: string | null, level: number): string {
  const below = layout === 'folder' ? `ltx/${level}/` : `${level.toString(16).padStart(4, '0')}/`
  return timeline === null ? below : `${timeline}/${below}`
}

export function fileKey(layout: Layout, timeline: string | null, level: number, minTxid: number, maxTxid: number): string {
  return `${levelPrefix(layout, timeline, level)}${ltxFileName(minTxid, maxTxid)}`
}

/** null for an object that is not an LTX file by its name. */
export function replicaFile(stored: StoredObject, level: number): ReplicaFile | null {
  const name = parseLtxFileName(stored.key.slice(stored.key.lastIndexOf('/') + 1))
  if (name === null) return null
  return {
    key: stored.key,
    level,
    minTxid: name.minTxid,
    maxTxid: name.maxTxid,
    sizeBytes: stored.sizeBytes,
    timestampMs: stored.timestampMs,
  }
}

export const timelinePattern = /^[0-9a-f]{8}$/

export function formatTimeline(number: number): string {
  return number.toString(16).padStart(8, '0')
}

export function timelineKey(timeline: string): string {
  return `${timeline}/timeline.json`
}
