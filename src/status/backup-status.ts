/** What can be restored: timelines and restore points. Reads only. */
import { formatTxid } from '../ltx/txid.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { Verification, VerificationLog } from '../ports/verification-log.ts'
import { type Catalogue, type CatalogueTimeline, reachablePoints, readCatalogue } from '../replica/catalogue.ts'
import { isoTime } from '../units.ts'

export interface BackupStatus {
  readonly database: string
  readonly replica: string
  /** The newest complete timeline; null for a replica of Litestream, or an empty one. */
  readonly timeline: string | null
  /** Restore points on it, those inherited from its ancestors included. */
  readonly points: number
  readonly earliest: string | null
  readonly latest: string | null
  readonly txid: string | null
  /** Age of the newest restore point, ms: how long nothing was committed, or how long nothing was copied. */
  readonly ageMs: number | null
  /** The replica's lag behind the database, ms; null where no capture runs to tell. */
  readonly lagMs: number | null
  /** When a restore of a point that is still there was last proven to work; null: never. */
  readonly verifiedAt: string | null
  readonly verifiedTxid: string | null
  readonly proof: Proof
  readonly sizeBytes: number
  readonly writtenBy: 'genesis-dr' | 'litestream' | 'nobody'
  readonly timelines: readonly TimelineStatus[]
  /** Why the record of a timeline cannot be read, for each that is damaged. */
  readonly damaged: readonly string[]
}

/** What the last proof of a restore is worth now. */
export interface Proof {
  /** 'gone': it passed, and the point that it is of is not in this replica, or not any more. */
  readonly state: 'passed' | 'failed' | 'gone' | 'none'
  /** null: there is none, or its time is ahead of the clock. */
  readonly ageMs: number | null
  /** How long restore and checks took, ms. */
  readonly durationMs: number | null
}

export interface TimelineStatus {
  readonly timeline: string | null
  readonly parent: string | null
  readonly forkTxid: string | null
  readonly complete: boolean
  readonly points: number
  readonly latestTxid: string | null
  /** Files are missing after `latestTxid`, yet there are some up to here; null: nothing is missing. */
  readonly beyondGapTxid: string | null
}

export async function backupStatus(
  { store, verifications }: { readonly store: ObjectStore; readonly verifications: VerificationLog },
  database: string,
  nowMs: number,
  lagMs: number | null,
): Promise<BackupStatus> {
  const catalogue = await readCatalogue(store)
  const newest = catalogue.timelines.findLast((one) => one.complete)
  const points = newest === undefined ? [] : reachablePoints(newest)
  const verified = await verifications.read()
  const proof = proofOf(verified, catalogue, nowMs)
  const last = points.at(-1)
  const first = points[0]
  const keys = new Map(catalogue.timelines.flatMap((one) => one.files.map((file) => [file.key, file.sizeBytes] as const)))
  return {
    database,
    replica: store.url,
    timeline: newest?.number ?? null,
    points: points.length,
    earliest: first === undefined ? null : isoTime(first.timestampMs),
    latest: last === undefined ? null : isoTime(last.timestampMs),
    txid: last === undefined ? null : formatTxid(last.maxTxid),
    ageMs: last === undefined ? null : Math.max(0, nowMs - last.timestampMs),
    lagMs,
    verifiedAt: proof.state === 'passed' && verified !== null ? isoTime(verified.atMs) : null,
    verifiedTxid: proof.state === 'passed' && verified !== null ? formatTxid(verified.txid) : null,
    proof,
    sizeBytes: [...keys.values()].reduce((sum, size) => sum + size, 0),
    writtenBy: catalogue.foreign ? 'litestream' : catalogue.timelines.length === 0 ? 'nobody' : 'genesis-dr',
    timelines: catalogue.timelines.map(describe),
    damaged: catalogue.damaged.map((one) => one.because.message),
  }
}

/** Pure. */
function proofOf(verified: Verification | null, { url, timelines }: Catalogue, nowMs: number): Proof {
  if (verified === null) return { state: 'none', ageMs: null, durationMs: null }
  const { passed, atMs, durationMs, replica, timeline, txid } = verified
  const of = timelines.find(({ number }) => number === timeline)
  const stands = replica === url && of !== undefined && reachablePoints(of).some(({ maxTxid }) => maxTxid === txid)
  return { state: passed ? (stands ? 'passed' : 'gone') : 'failed', ageMs: atMs <= nowMs ? nowMs - atMs : null, durationMs }
}

function describe(timeline: CatalogueTimeline): TimelineStatus {
  return {
    timeline: timeline.number,
    parent: timeline.parent?.number ?? null,
    forkTxid: timeline.parent === null ? null : formatTxid(timeline.parent.forkTxid),
    complete: timeline.complete,
    points: reachablePoints(timeline).length,
    latestTxid: timeline.latestTxid === 0 ? null : formatTxid(timeline.latestTxid),
    beyondGapTxid: timeline.listedTxid > timeline.latestTxid ? formatTxid(timeline.listedTxid) : null,
  }
}
