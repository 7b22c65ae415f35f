/**
 * Does damage to a live database file: finds out what there is to hit, decides with damage.ts, and acts.
 *
 * SQLite reads a page from the WAL when the WAL holds it, and a later checkpoint writes that good copy over the damage. So damage to a
 * page that is written again and again, as the header is, only shows between a restart of the WAL and the next write of the page:
 * `inflictDamage` waits for a moment when the page to hit is not in the WAL, and `holdDamage` does the damage again whenever a checkpoint
 * has healed it.
 */
import { DrError } from '../errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { DamageTarget } from '../ports/damage-target.ts'
import type { Random } from '../ports/random.ts'
import { databaseHeaderBytes, decodeDatabaseHeader } from '../wal/database-header.ts'
import { scanFrames, startOf, type WalPosition } from '../wal/frames.ts'
import { decodeWalHeader, frameOffset, walHeaderBytes } from '../wal/header.ts'
import { type DamageKind, type DamagePlan, type FileFacts, pagesToHit, planDamage } from './damage.ts'
import { decodeInteriorPage, type InteriorPage } from './interior-pages.ts'

export interface Damage {
  readonly kind: DamageKind
  readonly plan: DamagePlan
  /** A sentence with what was hit. */
  readonly what: string
  /** When it was done: ms of the monotonic clock, from right before. */
  readonly monotonicMs: number
}

// Chosen: the bot of a drill fills its log, and begins it anew, within about this time.
const patienceMs = 20_000
const pollMs = 2

/** Resolves when the damage is done. @throws DRILL_FAILED when there is nothing to damage; nothing has been damaged then */
export async function inflictDamage(kind: DamageKind, target: DamageTarget, random: Random, clock: Clock): Promise<Damage> {
  const pageSize = pageSizeOf(target)
  const inTree = kind === 'interior-page' || kind === 'leaf-payload'
  const plan = inTree ? await planInTree(kind, target, pageSize, random, clock) : planDamage(kind, factsOf(target, pageSize), random)
  if (kind === 'header') await until(clock, () => !holds(pagesInWal(target), 1))
  const monotonicMs = clock.monotonicMs()
  return { kind, plan, what: act(target, plan), monotonicMs }
}

const factsOf = (target: DamageTarget, pageSize: number): FileFacts => ({
  path: target.path,
  pageSize,
  sizeBytes: target.sizeBytes(),
  interior: [],
  inWal: new Set(),
  readPage: (page) => {
    const content = new Uint8Array(pageSize)
    target.read((page - 1) * pageSize, content)
    return content
  },
})

/** A page that is in the WAL now, or not in the file yet, may be there after the next restart. */
async function planInTree(
  kind: 'interior-page' | 'leaf-payload',
  target: DamageTarget,
  pageSize: number,
  random: Random,
  clock: Clock,
): Promise<DamagePlan> {
  let facts = factsOf(target, pageSize)
  await until(clock, () => {
    facts = { ...factsOf(target, pageSize), interior: interiorPages(target, pageSize), inWal: new Set(pagesInWal(target)) }
    return pagesToHit(kind, facts).length > 0
  })
  return planDamage(kind, facts, random)
}

async function until(clock: Clock, reached: () => boolean): Promise<void> {
  const from = clock.monotonicMs()
  while (!reached() && clock.monotonicMs() - from < patienceMs) await clock.sleep(pollMs)
}

/**
 * Keeps the damage standing until `signal` aborts: resolves with how often it was done again. To be ended before anybody sets the file
 * aside as evidence, because the target stays the same file wherever it is moved.
 */
export async function holdDamage({ plan }: Damage, target: DamageTarget, clock: Clock, signal: AbortSignal): Promise<number> {
  if (plan.do !== 'overwrite') return 0
  const now = new Uint8Array(plan.noise.length)
  let again = 0
  while (!signal.aborted) {
    target.read(plan.offset, now)
    if (now.some((byte, index) => byte !== plan.noise[index])) {
      target.overwrite(plan.offset, plan.noise)
      again++
    }
    await clock.sleep(pollMs, signal)
  }
  return again
}

function act(target: DamageTarget, plan: DamagePlan): string {
  switch (plan.do) {
    case 'overwrite':
      target.overwrite(plan.offset, plan.noise)
      return plan.noise.length === 1
        ? `one bit of a row in page ${plan.page} of ${target.path} was flipped`
        : `${plan.noise.length} bytes from page ${plan.page} of ${target.path} on were overwritten with noise`
    case 'truncate': {
      const before = target.sizeBytes()
      target.truncate(plan.sizeBytes)
      return `${target.path} was cut from ${before} to ${plan.sizeBytes} bytes`
    }
    case 'unlink-wal':
      if (target.unlinkWal()) return `${target.path}-wal was deleted`
      throw new DrError('DRILL_FAILED', {
        what: `there is no ${target.path}-wal to delete`,
        untouched: 'Nothing was damaged.',
        next: 'Play this damage while the bot trades: it makes the WAL.',
      })
  }
}

function pageSizeOf(target: DamageTarget): number {
  const bytes = new Uint8Array(databaseHeaderBytes)
  target.read(0, bytes)
  const header = decodeDatabaseHeader(bytes)
  if (header !== null) return header.pageSize
  throw new DrError('DRILL_FAILED', {
    what: `${target.path} does not begin as a SQLite database does, so it is damaged already`,
    untouched: 'Nothing was damaged.',
    next: 'Play the drill on a sound database.',
  })
}

function holds(pages: Iterable<number>, page: number): boolean {
  for (const each of pages) if (each === page) return true
  return false
}

const framesAtOnce = 64

/** Pages of the valid frames, in their order; lazily, because page 1 is usually among the first. */
function* pagesInWal(target: DamageTarget): Generator<number> {
  const headerBytes = new Uint8Array(walHeaderBytes)
  target.readWal(0, headerBytes)
  const header = decodeWalHeader(headerBytes)
  if (header === null) return
  const chunk = new Uint8Array(frameOffset(framesAtOnce, header.pageSize) - walHeaderBytes)
  for (let place: WalPosition = startOf(header); ; ) {
    const pages: number[] = []
    const bytesRead = target.readWal(frameOffset(place.frames, header.pageSize), chunk)
    place = scanFrames(place, chunk.subarray(0, bytesRead), (frame) => pages.push(frame.pageNumber))
    yield* pages
    if (pages.length < framesAtOnce) return
  }
}

const chunkBytes = 1024 * 1024

/** Read in large pieces, so that a database of gigabytes does not have to fit into memory. */
function interiorPages(target: DamageTarget, pageSize: number): InteriorPage[] {
  const pages = Math.floor(target.sizeBytes() / pageSize)
  const chunk = new Uint8Array(Math.max(chunkBytes, pageSize))
  const found: InteriorPage[] = []
  // Page 1 is the root of the schema, behind the header: the damage "header" is for that.
  for (let offset = pageSize; ; ) {
    const bytesRead = target.read(offset, chunk)
    for (let at = 0; at + pageSize <= bytesRead; at += pageSize) {
      const page = decodeInteriorPage((offset + at) / pageSize + 1, chunk.subarray(at, at + pageSize), pages)
      if (page !== null) found.push(page)
    }
    if (bytesRead < chunk.length) return found
    offset += chunk.length - (chunk.length % pageSize)
  }
}
