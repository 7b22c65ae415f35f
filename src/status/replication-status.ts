/** How far the replica is behind, and whether anything can have been missed. Reads only. */
import { isDrError, sentenceOf } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import type { CaptureControl, CapturePosition, ScrubFacts } from '../ports/capture-control.ts'
import type { Holder } from '../ports/open-files.ts'
import { pageList } from '../runbook/page-list.ts'
import { formatBytes, isoTime } from '../units.ts'

export interface ReplicationStatus {
  readonly database: string
  readonly replica: string
  readonly state: 'capturing' | 'attaching' | 'let-go' | 'not-running' | 'unknown'
  readonly because: string
  /** Why not everything that is committed is being copied; null: the capture follows the database. */
  readonly trouble: string | null
  readonly pid: number | null
  readonly timeline: string | null
  readonly txid: string | null
  /** Age of the oldest commit that is not durable in the replica, ms; null: not known. */
  readonly lagMs: number | null
  /** Commits read and not yet durable; null: not known. */
  readonly pending: number | null
  /** No commit since the capture attached can have been missed; null: not known. */
  readonly continuous: boolean | null
  readonly lastCommitAt: string | null
  readonly walBytes: number | null
  /** Since when the log is large and cannot become small; null: it is not, or that is not known. */
  readonly walLargeSince: string | null
  /** Processes in a read transaction, while the log is large; null: it is not, or that cannot be told. */
  readonly readers: readonly Holder[] | null
  /** When and why the log was let go for the sake of the bot's disk; `until` null: it still is. */
  readonly gaveUp: { readonly at: string; readonly until: string | null; readonly because: string } | null
  /** How many pages were taken from the file though no log proves them, by which restore point; null: none were, or that is not known. */
  readonly unproven: { readonly pages: number; readonly txid: string; readonly at: string } | null
  readonly sameDisk: boolean | null
  /** Whether the pages of the file are what was committed; null: nobody looks. */
  readonly pages: PagesStatus | null
}

export interface PagesStatus {
  readonly reads: ScrubFacts['reads']
  /** When all of them were compared last, and how long that took; null: not yet. */
  readonly comparedAt: string | null
  readonly ageMs: number | null
  readonly tookMs: number | null
  /** Pages that are not what was committed. */
  readonly damaged: readonly number[]
}

/** `pid` null: nobody captures. */
export type CaptureLook = { readonly pid: null } | { readonly pid: number; readonly control: Pick<CaptureControl, 'position'> }

/** `pastUs`: who commits so that the capture cannot see it, as a sentence; null: nobody. */
export async function replicationStatus(
  database: string,
  replica: string,
  sameDisk: boolean | null,
  look: () => Promise<CaptureLook>,
  readersOf: () => Promise<readonly Holder[] | null>,
  pastUs: () => Promise<string | null>,
): Promise<ReplicationStatus> {
  const unknown = {
    database,
    replica,
    pid: null,
    timeline: null,
    txid: null,
    lagMs: null,
    pending: null,
    continuous: null,
    lastCommitAt: null,
    walBytes: null,
    walLargeSince: null,
    readers: null,
    gaveUp: null,
    unproven: null,
    sameDisk,
    pages: null,
  }
  try {
    const captor = await look()
    if (captor.pid === null)
      return { ...unknown, state: 'not-running', ...troubled('no capture runs: nothing is copied now. Start: genesis-dr replicate') }
    const position = await captor.control.position()
    const { walLargeSinceMs, gaveUp, unproven } = position
    const readers = walLargeSinceMs === null ? null : await readersOf()
    const past = await pastUs()
    const trouble = past ?? troubleIn(position, readers)
    return {
      ...unknown,
      state: position.state,
      because: trouble ?? 'the capture follows the database',
      trouble,
      pid: captor.pid,
      timeline: position.timeline === '' ? null : position.timeline,
      txid: position.txid === 0 ? null : formatTxid(position.txid),
      lagMs: past === null && position.state === 'capturing' ? position.lagMs : null,
      pending: past === null && position.state === 'capturing' ? position.pendingCommits : null,
      continuous: past === null && position.continuous,
      lastCommitAt: position.lastCommitMs === 0 ? null : isoTime(position.lastCommitMs),
      walBytes: position.walBytes,
      walLargeSince: timeOf(walLargeSinceMs),
      readers,
      pages: pagesOf(position),
      gaveUp: gaveUp === null ? null : { at: isoTime(gaveUp.atMs), until: timeOf(gaveUp.untilMs), because: gaveUp.because },
      unproven: unproven === null ? null : { pages: unproven.pages, txid: formatTxid(unproven.txid), at: isoTime(unproven.atMs) },
    }
  } catch (error) {
    if (!isDrError(error)) throw error
    return { ...unknown, state: 'unknown', ...troubled(sentenceOf(error)) }
  }
}

function pagesOf({ scrub }: CapturePosition): PagesStatus | null {
  if (scrub === null) return null
  const { reads, turnEndedMs, turnAgeMs, turnTookMs, damaged } = scrub
  return { reads, comparedAt: timeOf(turnEndedMs), ageMs: turnAgeMs, tookMs: turnTookMs, damaged }
}

const troubled = (trouble: string) => ({ because: trouble, trouble })

const timeOf = (epochMs: number | null): string | null => (epochMs === null ? null : isoTime(epochMs))

function troubleIn(position: CapturePosition, readers: readonly Holder[] | null): string | null {
  const { state, damage, trouble, moved, continuous } = position
  if (damage !== null || trouble !== null) return damage ?? trouble
  const damagedPages = position.scrub?.damaged ?? []
  if (damagedPages.length > 0) return damagedText(damagedPages)
  if (moved.length > 0) return `the ${moved.join(' and the ')} file was replaced or deleted`
  if (state !== 'capturing') return `the capture is ${state}`
  return continuous ? largeLogIn(position, readers) : 'commits may have been missed since the capture began to follow the database'
}

function damagedText(pages: readonly number[]): string {
  return `${pageList(pages)} of the database file ${pages.length === 1 ? 'is' : 'are'} not what was committed (genesis-dr validate names what is concerned, execute --scenario DATABASE_CORRUPTION repairs it)`
}

/** Where we are not behind ourselves, it is a reader of the bot's own that keeps it large. */
function largeLogIn({ walBytes, walLargeSinceMs }: CapturePosition, readers: readonly Holder[] | null): string | null {
  if (walLargeSinceMs === null) return null
  const who = (readers ?? []).map(({ pid, command }) => `process ${pid} (${command})`).join(', ')
  const why = who === '' ? 'and which process reads from it is not known' : `and ${who} is in a read transaction now`
  return `the log has ${formatBytes(walBytes)} and cannot become small since ${isoTime(walLargeSinceMs)}, ${why}`
}
