/**
 * What the bot itself says of its database in its present life: damage, which a recovery mends, and other trouble, which it does not.
 * Damage is by the user's patterns. Other trouble by words of SQLite and the system that mean the same in every bot:
 *
 * - A full disk. The database is as it was after its last commit, so nothing is restored for it; a read or write that failed beside it is
 *   taken for its consequence.
 * - A lock that is not given back. One complaint is normal: writers wait for each other, and python gives up after 5 s.
 */
import type { BotLog, LogLine, Service } from '../ports/service.ts'
import type { RunSettings } from './runbook.ts'

export interface BotWords {
  /** The newest line that means damage; null: none does. */
  readonly damage: string | null
  /** What else is wrong, each with what to do about it. */
  readonly troubles: readonly string[]
  /** What of it is not known, and why; null: it is all known. */
  readonly untold: string | null
}

/** Chosen: at a hundred lines a second they reach back 20 s, enough for a lock; a bot that dies of its database says so at its end. */
const lines = 2000
/** Chosen: enough of a line to know it by. */
const shownCharacters = 200

const fullDisk = /disk is full|no space left on device|disk quota exceeded|\b(ENOSPC|EDQUOT|SQLITE_FULL)\b/i
const inputOutput = /disk i\/o error/i
const locked = /(database|table|schema)( \S+)? is locked|\b(SQLITE_BUSY|SQLITE_LOCKED)\b/i

/** Chosen: 10 s is two waits of python's 5 s, one after the other, both in vain; no checkpoint takes so long, and ours none. */
const lockedTooLongMs = 10_000
/** Chosen: two may be one wait and its echo. */
const lockedTimes = 3
/** Chosen: complaints that lie further apart than a minute are about two locks. */
const oneLockMs = 60_000

/** What it says now. */
export async function botWords(service: Service, settings: Pick<RunSettings, 'logPatterns'>): Promise<BotWords> {
  return wordsIn(await service.recentLog(lines), settings)
}

/** Pure. */
export function wordsIn({ lines, gap }: BotLog, { logPatterns }: Pick<RunSettings, 'logPatterns'>): BotWords {
  const patterns = logPatterns.map((pattern) => new RegExp(pattern, 'i'))
  const full = lines.findLast(({ text }) => fullDisk.test(text))
  const damage = lines.findLast(
    ({ text }) => patterns.some((pattern) => pattern.test(text)) && !(full !== undefined && inputOutput.test(text)),
  )
  const lock = lockIn(lines)
  const troubles = [
    ...(full === undefined ? [] : [`the bot says: ${cut(full.text)}. Free space on its disk; a recovery does not mend this`]),
    ...(lock.because === null
      ? []
      : [`${lock.because}. Find who holds the write lock (fuser shows who has the database open); a recovery does not mend this`]),
  ]
  const untold = [...(gap === null ? [] : [`what the bot says is not known: ${gap}`]), ...(lock.untold === null ? [] : [lock.untold])]
  return { damage: damage === undefined ? null : cut(damage.text), troubles, untold: untold.length === 0 ? null : untold.join('; ') }
}

const cut = (text: string): string => text.slice(0, shownCharacters)

/** By the newest complaints that are about one lock, if the bot has not gone on without one for a minute since. */
function lockIn(lines: readonly LogLine[]): { readonly because: string | null; readonly untold: string | null } {
  const timed = withTimes(lines)
  const complaints = timed.filter(({ text }) => locked.test(text))
  const nothing = { because: null, untold: null }
  const last = complaints.at(-1)
  if (last === undefined || complaints.length < lockedTimes) return nothing
  if (last.atMs === null) {
    const untold = `the bot says ${complaints.length} times that the database is locked, for how long is not known: its lines have no times`
    return { because: null, untold }
  }
  if ((timed.at(-1)?.atMs ?? last.atMs) - last.atMs > oneLockMs) return nothing
  let first = last.atMs
  let times = 0
  for (const { atMs } of complaints.toReversed()) {
    if (atMs === null || first - atMs > oneLockMs) break
    first = atMs
    times++
  }
  const lastedMs = last.atMs - first
  if (times < lockedTimes || lastedMs <= lockedTooLongMs) return nothing
  return { because: `the bot says ${times} times within ${Math.round(lastedMs / 1000)} s: ${cut(last.text)}`, untold: null }
}

/** A line without a time of its own came with the one before it, as the lines of a stack trace do. */
function withTimes(lines: readonly LogLine[]): readonly LogLine[] {
  let known: number | null = null
  return lines.map(({ text, atMs }) => {
    known = atMs ?? timeIn(text) ?? known
    return { text, atMs: known }
  })
}

/** "2025-01-01 12:00:00,123 ERROR", bracketed or not. Without a zone as if it were UTC: only differences are asked for. */
function timeIn(text: string): number | null {
  const found = /^\W?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,3})\d*)?(Z|[+-]\d\d:?\d\d)?/.exec(text)
  if (found === null) return null
  const [, day, time, fraction = '0', zone = 'Z'] = found
  const atMs = Date.parse(`${day}T${time}.${fraction.padEnd(3, '0')}${zone.replace(/(\d\d)(\d\d)$/, '$1:$2')}`)
  return Number.isNaN(atMs) ? null : atMs
}
