/**
 * Which files bring a database to a point, from nothing but a listing. Pure.
 * Rule (Litestream's, facts of 2026-08): begin with the newest snapshot that is not beyond the point, then always the file that begins
 * no later than the next txid and reaches furthest; at the same reach the one that begins first, then the higher level.
 * Invariant: the files of a plan leave no txid out, and the last one ends exactly at the point.
 */
import { DrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import { isoTime } from '../units.ts'
import { type ReplicaFile, snapshotLevel } from './layout.ts'

export interface RestorePlan {
  /** In the order in which they are applied: of two that hold a page, the later has it newer. */
  readonly files: readonly ReplicaFile[]
  /** 0 when there is nothing to restore. */
  readonly txid: number
  /** Of all its files: what a restore reads. */
  readonly sizeBytes: number
}

/** 'latest' insists that nothing lies beyond a gap; 'newest-reachable' stops at it. */
export type RestoreTarget = 'latest' | 'newest-reachable' | { readonly txid: number }

/**
 * @throws REPLICA_EMPTY, REPLICA_GAP when files are missing on the way, POINT_NOT_FOUND when the txid is outside of what is kept or
 * inside of a file that holds several.
 */
export function planRestore(all: readonly ReplicaFile[], target: RestoreTarget): RestorePlan {
  const limit = typeof target === 'object' ? target.txid : Number.MAX_SAFE_INTEGER
  const files = chain(all, limit)
  const txid = files.at(-1)?.maxTxid ?? 0
  const plan = { files, txid, sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) }
  if (target === 'newest-reachable') return plan
  if (all.length === 0) throw pointError('REPLICA_EMPTY', 'the replica holds no restore point')
  const beyond = all.find((file) => file.minTxid > txid + 1 && file.minTxid <= limit)
  if (beyond !== undefined && (txid < limit || target === 'latest')) {
    throw new DrError('REPLICA_GAP', {
      what: `the replica has no file for ${formatTxid(txid + 1)}, yet it has ${beyond.key}`,
      untouched: 'Nothing was written.',
      next:
        txid > 0 ? `The last point before the gap can be had with --txid ${formatTxid(txid)}.` : 'No point can be had from this timeline.',
    })
  }
  if (typeof target === 'object' && txid !== target.txid) throw notFound(all, target.txid)
  return plan
}

function chain(all: readonly ReplicaFile[], limit: number): ReplicaFile[] {
  const usable = all.filter((file) => file.maxTxid <= limit)
  const snapshots = usable.filter((file) => file.level === snapshotLevel && file.minTxid === 1)
  const first = snapshots.reduce<ReplicaFile | null>((best, file) => (best === null || file.maxTxid > best.maxTxid ? file : best), null)
  const plan = first === null ? [] : [first]
  let reached = first?.maxTxid ?? 0
  const byStart = usable.filter((file) => file.maxTxid > reached).sort((a, b) => a.minTxid - b.minTxid)
  let next = 0
  for (;;) {
    let best: ReplicaFile | null = null
    // Files that begin early enough stay candidates only through `best`: one that reaches less far is never needed later.
    for (; next < byStart.length; next++) {
      const file = byStart[next]
      if (file === undefined || file.minTxid > reached + 1) break
      if (file.maxTxid > reached && (best === null || further(file, best))) best = file
    }
    if (best === null) return plan
    plan.push(best)
    reached = best.maxTxid
  }
}

function further(file: ReplicaFile, than: ReplicaFile): boolean {
  if (file.maxTxid !== than.maxTxid) return file.maxTxid > than.maxTxid
  if (file.minTxid !== than.minTxid) return file.minTxid < than.minTxid
  return file.level > than.level
}

/** Every txid that a restore can end at exactly, ascending, with the file that ends there. */
export function restorePoints(all: readonly ReplicaFile[]): readonly ReplicaFile[] {
  const byTxid = new Map<number, { readonly file: ReplicaFile; readonly from: number }>()
  for (const file of all) {
    const known = byTxid.get(file.maxTxid)
    byTxid.set(file.maxTxid, {
      file: known === undefined || file.level < known.file.level ? file : known.file,
      from: Math.min(file.minTxid, known?.from ?? file.minTxid),
    })
  }
  const points: ReplicaFile[] = []
  for (const { file, from } of [...byTxid.values()].sort((a, b) => a.file.maxTxid - b.file.maxTxid)) {
    // Behind a gap there is none, up to a file that begins before it or with the first txid.
    if (from <= (points.at(-1)?.maxTxid ?? 0) + 1) points.push(file)
  }
  return points
}

/** By their times: a clock that was set back leaves points that are older than the ones before them. null: there are none. */
export function timesOf(points: readonly ReplicaFile[]): { readonly earliest: ReplicaFile; readonly latest: ReplicaFile } | null {
  const [first] = points
  if (first === undefined) return null
  let [earliest, latest] = [first, first]
  for (const point of points) {
    if (point.timestampMs < earliest.timestampMs) earliest = point
    if (point.timestampMs > latest.timestampMs) latest = point
  }
  return { earliest, latest }
}

/** The newest point whose time is not after `epochMs`. @throws POINT_NOT_FOUND, REPLICA_EMPTY */
export function pointAtTime(points: readonly ReplicaFile[], epochMs: number): ReplicaFile {
  const times = timesOf(points)
  if (times === null) throw pointError('REPLICA_EMPTY', 'the replica holds no restore point')
  const { earliest, latest } = times
  const range = `restore points go from ${isoTime(earliest.timestampMs)} to ${isoTime(latest.timestampMs)}`
  if (epochMs < earliest.timestampMs) throw pointError('POINT_NOT_FOUND', `${isoTime(epochMs)} is before the first point; ${range}`)
  if (epochMs > latest.timestampMs) throw pointError('POINT_NOT_FOUND', `${isoTime(epochMs)} is after the last point; ${range}`)
  return points.findLast((point) => point.timestampMs <= epochMs) ?? earliest
}

function notFound(all: readonly ReplicaFile[], txid: number): DrError {
  const points = restorePoints(all)
  const first = points[0]?.maxTxid ?? 0
  const last = points.at(-1)?.maxTxid ?? 0
  const inside = all.find((file) => file.minTxid <= txid && file.maxTxid > txid && txid > first)
  const why = inside === undefined ? '' : `; it lies inside ${inside.key}, which holds several`
  return pointError(
    'POINT_NOT_FOUND',
    `no restore point ${formatTxid(txid)}; points go from ${formatTxid(first)} to ${formatTxid(last)}${why}`,
  )
}

function pointError(code: 'REPLICA_EMPTY' | 'POINT_NOT_FOUND', what: string): DrError {
  return new DrError(code, {
    what,
    untouched: 'Nothing was written.',
    next:
      code === 'REPLICA_EMPTY'
        ? 'Check the replica URL; if it is right, nothing was ever copied there.'
        : 'Choose a point that exists (genesis-dr backup-status), or leave the choice out for the newest.',
  })
}
