/** What `journalctl -o json` says of a unit: the bot's own lines of its present life. Pure. Source: systemd.journal-fields(7), read 2026-11-26. */
import type { LogLine } from '../../ports/service.ts'

/** What systemd itself says about the unit has neither an invocation of its sender nor a stream. */
export const journalFields = ['MESSAGE', '_SYSTEMD_INVOCATION_ID', '_STREAM_ID'] as const

export interface JournalEntry extends LogLine {
  /** Of the life that it was written in; 'stream ...': the journal does not know, as of the last words of a process that is gone when it asks. */
  readonly invocation: string
  /** Microseconds since `boot`; NaN: not told. */
  readonly monotonicUs: number
  readonly boot: string
}

const ofStream = (stream: string): string => `stream ${stream}`
const isUnattributed = ({ invocation }: JournalEntry): boolean => invocation.startsWith(ofStream(''))

/**
 * One JSON object a line, oldest first; one that is not by the bot, or has no text, is left out. Each life has a stream of its own, so that one
 * line with an invocation tells it of all; a later one may be taken for words of the next life.
 */
export function decodeJournal(output: string): readonly JournalEntry[] {
  const lives = new Map<unknown, string>()
  return output.split('\n').flatMap((line) => {
    const entry = decodeObject(line) ?? {}
    const text = textOf(entry['MESSAGE'])
    const [invocation, stream] = [entry['_SYSTEMD_INVOCATION_ID'], entry['_STREAM_ID']]
    if (typeof stream === 'string' && typeof invocation === 'string' && !lives.has(stream)) lives.set(stream, invocation)
    const life = lives.get(stream) ?? invocation ?? (typeof stream === 'string' ? ofStream(stream) : null)
    if (text === null || typeof life !== 'string') return []
    const microseconds = Number(entry['__REALTIME_TIMESTAMP'])
    const atMs = Number.isFinite(microseconds) ? Math.floor(microseconds / 1000) : null
    return [{ text, invocation: life, atMs, monotonicUs: Number(entry['__MONOTONIC_TIMESTAMP']), boot: String(entry['_BOOT_ID']) }]
  })
}

function decodeObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : null
  } catch (error) {
    // The last one of an output that was cut, and the empty one after it.
    if (error instanceof SyntaxError) return null
    throw error
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null

/** Bytes stand for a text that is not UTF-8. */
function textOf(message: unknown): string | null {
  if (typeof message === 'string') return message
  return Array.isArray(message) && message.every((byte) => typeof byte === 'number') ? Buffer.from(message).toString('utf8') : null
}

/**
 * Chosen: 60 s between the last words of one life and the first of the next are within one loop of crashes; systemd waits 100 ms by default.
 * Its count alone does not tell: a unit that is stopped by hand while it waits for its restart goes on counting after it is started.
 */
const oneLoopMs = 60_000

/**
 * Lines since somebody started the unit: systemd counts its own restarts from there, and each is an invocation. A unit that it has forgotten
 * since it ended has no invocation: the newest one is its last life. A line of nobody knows which life is of this one if it is younger.
 */
export function linesOfLife(
  entries: readonly JournalEntry[],
  { InvocationID, NRestarts, ExecMainStartTimestampMonotonic }: LifeFacts,
  boot: string | null,
): readonly LogLine[] {
  const newest = InvocationID === '' ? entries.at(-1)?.invocation : InvocationID
  if (newest === undefined) return []
  const beganUs = Number(ExecMainStartTimestampMonotonic)
  const isOfNewest = (entry: JournalEntry): boolean =>
    isUnattributed(entry) && beganUs > 0 && entry.boot === boot?.replaceAll('-', '') && entry.monotonicUs >= beganUs
  const attributed = entries.map((entry) => (isOfNewest(entry) ? { ...entry, invocation: newest } : entry))
  const life = new Set([newest])
  let after: number | null = null
  for (const { invocation, atMs } of attributed.toReversed()) {
    if (!life.has(invocation)) {
      if (life.size > Number(NRestarts) || (after !== null && atMs !== null && after - atMs > oneLoopMs)) break
      life.add(invocation)
    }
    after = atMs
  }
  return attributed.filter(({ invocation }) => life.has(invocation)).map(({ text, atMs }) => ({ text, atMs }))
}

/** Of the unit, as systemd shows them. */
export type LifeFacts = Readonly<Record<'InvocationID' | 'NRestarts' | 'ExecMainStartTimestampMonotonic', string>>

/** Where the unit writes instead, so that the journal says nothing of it; null: to the journal. */
export function outsideJournal({
  StandardOutput,
  StandardError,
}: Readonly<Record<'StandardOutput' | 'StandardError', string>>): string | null {
  const kept = (sink: string): boolean => sink === '' || /journal|syslog|kmsg/.test(sink)
  if (kept(StandardOutput) || (StandardError !== 'inherit' && kept(StandardError))) return null
  return `the unit does not write to the journal (StandardOutput=${StandardOutput})`
}
