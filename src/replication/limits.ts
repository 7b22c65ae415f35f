/**
 * Up to where a capture may keep the log of a bot from becoming small, so that a replica that is away does not fill the bot's disk. Pure.
 */
import type { DiskSpace } from '../ports/disk-space.ts'
import { formatBytes, MiB } from '../units.ts'

export interface CaptureLimits {
  readonly walLimitBytes: number
  /** Bytes that must stay free on the disk of the database; null: as `freeSpaceByDefault`. */
  readonly freeSpaceBytes: number | null
}

export interface LimitFacts {
  /** Size of the log up to its last commit. */
  readonly logBytes: number
  /** The file lacks some of it, so that SQLite cannot begin it anew. */
  readonly logUnfinished: boolean
  /** null: not known. */
  readonly disk: DiskSpace | null
}

/**
 * Chosen: 512 MiB hold half of the largest log that we allow by default, and are minutes of a busy bot's commits; on a small disk that would
 * be most of it, so there a twentieth, which is what file systems themselves keep for root.
 */
export function freeSpaceByDefault({ totalBytes }: DiskSpace): number {
  return Math.min(512 * MiB, totalBytes / 20)
}

/** Why the pin has to be given up: completes "because ..."; null: it may stand. */
export function excessOf({ logBytes, logUnfinished, disk }: LimitFacts, limits: CaptureLimits): string | null {
  if (logUnfinished && logBytes > limits.walLimitBytes) {
    return `the log has ${formatBytes(logBytes)} (walLimit is ${formatBytes(limits.walLimitBytes)})`
  }
  return disk === null ? null : shortageOf(disk, limits, 1)
}

/** Chosen: a tenth more than the limit before we come back, so that we do not come and go at its edge. */
const comeBackFactor = 1.1

/** Why we may not come back yet, by the disk alone; null: we may. */
export function stillShort(disk: DiskSpace | null, limits: CaptureLimits): string | null {
  return disk === null ? null : shortageOf(disk, limits, comeBackFactor)
}

/** So many bytes may be written to the disk of the database by us. False also where it is not known. */
export function hasRoomFor(bytes: number, disk: DiskSpace | null, limits: CaptureLimits): boolean {
  return disk !== null && shortageOf({ ...disk, freeBytes: disk.freeBytes - bytes }, limits, comeBackFactor) === null
}

function shortageOf(disk: DiskSpace, { freeSpaceBytes }: CaptureLimits, factor: number): string | null {
  const needed = Math.floor((freeSpaceBytes ?? freeSpaceByDefault(disk)) * factor)
  if (disk.freeBytes >= needed) return null
  return `only ${formatBytes(disk.freeBytes)} are free on the disk of the database (freeSpace is ${formatBytes(needed)})`
}
