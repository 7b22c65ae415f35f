/**
 * A timeline: one unbroken history of a database, and where it forked from its parent. Pure.
 * Its first object, created only if absent, is this record; whoever creates it owns the number.
 */
import { DrError } from '../errors.ts'
import { timelinePattern } from './layout.ts'

export interface Timeline {
  /** 8 hex digits; null for a replica that Litestream wrote, which has no timelines. */
  readonly number: string | null
  /** 16 hex digits, random: tells two timelines of one number apart. */
  readonly id: string
  readonly parent: TimelineFork | null
  /** Path of the database that it was begun for; null where that is not known. */
  readonly database: string | null
  readonly createdAtMs: number
}

export interface TimelineFork {
  readonly number: string
  readonly id: string
  /** The last txid of the parent that belongs to the child as well. */
  readonly forkTxid: number
}

export const foreignTimeline: Timeline = { number: null, id: '', parent: null, database: null, createdAtMs: 0 }

export function encodeTimeline(timeline: Timeline): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ format: 1, ...timeline }, null, 2)}\n`)
}

/** @throws LTX_DAMAGED when the record is not one of ours. */
export function decodeTimeline(key: string, bytes: Uint8Array): Timeline {
  const value = parse(bytes)
  const { number, id, createdAtMs } = value
  if (typeof number === 'string' && timelinePattern.test(number) && typeof id === 'string' && typeof createdAtMs === 'number') {
    const parent = decodeFork(value['parent'])
    const database = typeof value['database'] === 'string' ? value['database'] : null
    if (parent !== undefined) return { number, id, parent, database, createdAtMs }
  }
  throw new DrError('LTX_DAMAGED', {
    what: `${key} is not a timeline record (${bytes.length} bytes)`,
    untouched: 'Nothing was changed.',
    next: 'Name another timeline with --timeline; backup-status lists them.',
  })
}

function decodeFork(value: unknown): TimelineFork | null | undefined {
  if (value === null) return null
  const { number, id, forkTxid } = record(value)
  if (typeof number !== 'string' || typeof id !== 'string' || typeof forkTxid !== 'number') return undefined
  return { number, id, forkTxid }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    return record(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

/** The timeline and its ancestors, newest first. Stops where a parent is not known. */
export function lineage(timelines: readonly Timeline[], timeline: Timeline): readonly Timeline[] {
  const line = [timeline]
  for (let at: Timeline | undefined = timeline; at?.parent != null; ) {
    const fork: TimelineFork = at.parent
    at = timelines.find((one) => one.number === fork.number && one.id === fork.id && !line.includes(one))
    if (at !== undefined) line.push(at)
  }
  return line
}
