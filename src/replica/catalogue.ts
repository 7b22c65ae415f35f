/** What is in a replica: its timelines, their files, and which of them a restore follows. Reads only. */
import { DrError, isDrError } from '../errors.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { levelPrefix, levels, type ReplicaFile, replicaFile, timelineKey, timelinePattern } from './layout.ts'
import { planRestore, restorePoints } from './plan.ts'
import { readWhole } from './read-object.ts'
import { decodeTimeline, foreignTimeline, lineage, type Timeline } from './timeline.ts'

export interface Catalogue {
  readonly url: string
  /** Oldest first. Litestream's own replica is one timeline without a number. */
  readonly timelines: readonly CatalogueTimeline[]
  readonly foreign: boolean
  /** Timelines whose own record is damaged: what they hold cannot be told, so that nothing newer than them can either. */
  readonly damaged: readonly DamagedTimeline[]
}

export interface DamagedTimeline {
  readonly number: string
  readonly because: DrError
  /** In its own folder. */
  readonly files: readonly ReplicaFile[]
}

export interface CatalogueTimeline extends Timeline {
  /** Every file that a restore on this timeline may use: its own, and those of its ancestors up to each fork. */
  readonly files: readonly ReplicaFile[]
  /** Newest txid that can be restored, 0 for none. */
  readonly latestTxid: number
  /** Newest txid that a file is there for: beyond `latestTxid` where files between them are missing. */
  readonly listedTxid: number
  /** False until the chain up to its fork is there: then a restore uses the parent. */
  readonly complete: boolean
}

/** A replica that does not exist yet has no timelines. @throws STORE_UNAVAILABLE, IO_FAILED, LTX_DAMAGED */
export async function readCatalogue(store: ObjectStore): Promise<Catalogue> {
  const folders = await store.folders('')
  const numbers = folders.filter((name) => timelinePattern.test(name))
  if (numbers.length === 0) {
    const files = await ownFiles(store, null)
    if (files.length === 0) return { url: store.url, timelines: [], foreign: false, damaged: [] }
    return { url: store.url, timelines: [describe(foreignTimeline, files)], foreign: true, damaged: [] }
  }
  const timelines: Timeline[] = []
  const damaged: DamagedTimeline[] = []
  for (const number of numbers) {
    const timeline = await readTimeline(store, number)
    if (timeline !== null && !(timeline instanceof DrError)) {
      timelines.push(timeline)
      continue
    }
    const files = await ownFiles(store, number)
    // A folder of a timeline's name whose claim was never made is nobody's. The claim comes first: with files in it, it was lost.
    if (timeline === null && files.length === 0) continue
    damaged.push({ number, because: timeline ?? recordLost(number), files })
  }
  const own = new Map<Timeline, readonly ReplicaFile[]>()
  for (const timeline of timelines) own.set(timeline, await ownFiles(store, timeline.number))
  return {
    url: store.url,
    timelines: timelines.map((timeline) => describe(timeline, inherited(timelines, timeline, own))),
    foreign: false,
    damaged,
  }
}

/** The timeline that a restore without `--timeline` follows. @throws REPLICA_EMPTY, LTX_DAMAGED when it cannot be told which it is */
export function newestComplete(catalogue: Catalogue): CatalogueTimeline {
  const found = catalogue.timelines.findLast((timeline) => timeline.complete)
  const newer = catalogue.damaged.findLast((one) => one.number > (found?.number ?? ''))
  if (newer !== undefined) throw newer.because
  if (found !== undefined) return found
  throw new DrError('REPLICA_EMPTY', {
    what: `the replica ${catalogue.url} holds no restore point`,
    untouched: 'Nothing was changed.',
    next: 'Check the replica URL; if it is right, nothing was ever copied there: start genesis-dr replicate.',
  })
}

/** As `newestComplete`; null where nothing was ever completed. @throws LTX_DAMAGED */
export function currentTimeline(catalogue: Catalogue): CatalogueTimeline | null {
  const some = catalogue.damaged.length > 0 || catalogue.timelines.some((one) => one.complete)
  return some ? newestComplete(catalogue) : null
}

/** @throws POINT_NOT_FOUND, REPLICA_EMPTY, LTX_DAMAGED */
export function chooseTimeline(catalogue: Catalogue, number: string | null): CatalogueTimeline {
  if (number === null) return newestComplete(catalogue)
  const found = catalogue.timelines.find((timeline) => timeline.number === number)
  if (found !== undefined) return found
  const broken = catalogue.damaged.find((one) => one.number === number)
  if (broken !== undefined) return byItsFiles(broken)
  const known = catalogue.timelines.map((timeline) => timeline.number ?? 'none (written by Litestream)')
  throw new DrError('POINT_NOT_FOUND', {
    what: `the replica ${catalogue.url} has no timeline ${number}; it has ${known.join(', ') || 'none'}`,
    untouched: 'Nothing was changed.',
    next: 'Name one of these with --timeline, or leave it out for the newest.',
  })
}

/** A timeline begins with all that it needs, so that its own files can be followed without its record. @throws LTX_DAMAGED when they cannot */
function byItsFiles({ number, files, because }: DamagedTimeline): CatalogueTimeline {
  const found = describe({ ...foreignTimeline, number }, files)
  if (found.complete) return found
  throw because
}

function recordLost(number: string): DrError {
  return new DrError('LTX_DAMAGED', {
    what: `the record ${timelineKey(number)} is gone, and the files of that timeline are there`,
    untouched: 'Nothing was changed.',
    next: `Restore from it by its number: genesis-dr recover --timeline ${number} --output FILE. To copy on, give a new replica with --replica.`,
  })
}

/** Points that a restore on this timeline can end at, ascending. */
export function reachablePoints(timeline: CatalogueTimeline): readonly ReplicaFile[] {
  return restorePoints(timeline.files).filter((point) => point.maxTxid <= timeline.latestTxid)
}

async function readTimeline(store: ObjectStore, number: string): Promise<Timeline | DrError | null> {
  const key = timelineKey(number)
  try {
    return decodeTimeline(key, await readWhole(store, key))
  } catch (error) {
    if (isDrError(error, 'OBJECT_MISSING')) return null
    if (isDrError(error, 'LTX_DAMAGED')) return error
    throw error
  }
}

async function ownFiles(store: ObjectStore, number: string | null): Promise<readonly ReplicaFile[]> {
  const files: ReplicaFile[] = []
  for (const level of levels) {
    for (const stored of await store.list(levelPrefix(store.layout, number, level))) {
      const file = replicaFile(stored, level)
      if (file !== null) files.push(file)
    }
  }
  return files
}

function inherited(
  timelines: readonly Timeline[],
  timeline: Timeline,
  own: ReadonlyMap<Timeline, readonly ReplicaFile[]>,
): readonly ReplicaFile[] {
  const files: ReplicaFile[] = []
  const seen = new Set<string>()
  let limit = Number.MAX_SAFE_INTEGER
  for (const ancestor of lineage(timelines, timeline)) {
    for (const file of own.get(ancestor) ?? []) {
      const name = `${file.level}/${file.minTxid}-${file.maxTxid}`
      if (file.maxTxid > limit || seen.has(name)) continue
      seen.add(name)
      files.push(file)
    }
    limit = Math.min(limit, ancestor.parent?.forkTxid ?? 0)
  }
  return files
}

function describe(timeline: Timeline, files: readonly ReplicaFile[]): CatalogueTimeline {
  const latestTxid = planRestore(files, 'newest-reachable').txid
  const listedTxid = files.reduce((newest, file) => Math.max(newest, file.maxTxid), 0)
  return { ...timeline, files, latestTxid, listedTxid, complete: latestTxid > 0 && latestTxid >= (timeline.parent?.forkTxid ?? 0) }
}
