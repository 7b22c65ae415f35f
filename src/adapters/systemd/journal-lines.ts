/** What `journalctl -o json` says of a unit: the bot's own lines of its present life. Pure. Source: systemd.journal-fields(7), read 2026-11-26. */
import type { LogLine } from '../../ports/service.ts'

/** What systemd itself says about the unit carries no invocation of its sender. */
export const journalFields = ['MESSAGE', '_SYSTEMD_INVOCATION_ID'] as const

export interface JournalEntry extends LogLine {
  readonly invocation: string
}

/** One JSON object a line, oldest first; one that is not by the bot, or has no text, is left out. */
export function decodeJournal(output: string): readonly JournalEntry[] {
  return output.split('\n').flatMap((line) => {
    const entry = decodeObject(line)
    const text = entry === null ? null : textOf(entry['MESSAGE'])
    const invocation = entry?.['_SYSTEMD_INVOCATION_ID']
    if (text === null || typeof invocation !== 'string') return []
    const microseconds = Number(entry?.['__REALTIME_TIMESTAMP'])
    return [{ text, invocation, atMs: Number.isFinite(microseconds) ? Math.floor(microseconds / 1000) : null }]
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
 * since it ended has no invocation: the newest one is its last life.
 */
export function linesOfLife(
  entries: readonly JournalEntry[],
  { InvocationID, NRestarts }: Readonly<Record<'InvocationID' | 'NRestarts', string>>,
): readonly LogLine[] {
  const newest = InvocationID === '' ? entries.at(-1)?.invocation : InvocationID
  const life = new Set(newest === undefined ? [] : [newest])
  let after: number | null = null
  for (const { invocation, atMs } of entries.toReversed()) {
    if (!life.has(invocation)) {
      if (life.size > Number(NRestarts) || (after !== null && atMs !== null && after - atMs > oneLoopMs)) break
      life.add(invocation)
    }
    after = atMs
  }
  return entries.filter(({ invocation }) => life.has(invocation)).map(({ text, atMs }) => ({ text, atMs }))
}

/** Where the unit writes instead, so that the journal says nothing of it; null: to the journal. */
export function outsideJournal({
  StandardOutput,
  StandardError,
}: Readonly<Record<'StandardOutput' | 'StandardError', string>>): string | null {
  const kept = (sink: string): boolean => sink === '' || /journal|syslog|kmsg/.test(sink)
  if (kept(StandardOutput) || (StandardError !== 'inherit' && kept(StandardError))) return null
  return `the unit does not write to the journal (StandardOutput=${StandardOutput})`
}
