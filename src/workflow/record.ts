/**
 * A journal: one JSON line a record, each with the hash of the one before it. Pure.
 * A record that is torn at the very end was never acknowledged and is cut. One that is wrong before the end is damage, and said so.
 */
import { DrError } from '../errors.ts'
import type { Hash } from '../ports/hash.ts'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

export const journalVersion = 1
export type Outcome = 'done' | 'skipped' | 'failed' | 'unknown'

/** A step as it was when the run began: the hash says whether it still is. */
export interface PlannedStep {
  readonly name: string
  readonly hash: string
}

/** What the run is about: a run that is gone on with is about the same. */
export interface RunPlace {
  /** Absolute path. */
  readonly database: string
  /** URL. */
  readonly replica: string
  /** In words, "none" where there is none. */
  readonly service: string
}

/** What a step threw, with its three sentences. */
export interface StepError {
  readonly code: string
  readonly what: string
  readonly untouched: string
  readonly next: string
}

export type RecordBody =
  | {
      readonly type: 'run-started'
      readonly scenario: string
      readonly mode: string
      readonly system: string
      /** What a person asked for, where the steps are made from that; by these the same steps are made again. */
      readonly options: JsonObject
      /** Absent in journals of earlier versions. */
      readonly place?: RunPlace
      /** What is known when it begins, from a run before it. Absent: nothing. */
      readonly facts?: JsonObject
      readonly plan: readonly PlannedStep[]
      /** When the fault was noticed (drills: put in), ms since the epoch: the RTO clock begins here. */
      readonly detectedAtMs: number
      readonly detectedBecause: string
    }
  | { readonly type: 'resumed'; readonly pid: number }
  | { readonly type: 'step-began'; readonly step: string; readonly attempt: number }
  | {
      readonly type: 'step-ended'
      readonly step: string
      readonly attempt: number
      readonly outcome: Outcome
      readonly because: string
      readonly notProven: readonly string[]
      readonly durationMs: number
      readonly evidence: JsonObject
      readonly error: StepError | null
      /** A person decided, and the step did not act. */
      readonly byPerson: boolean
    }
  | { readonly type: 'run-ended'; readonly state: 'done' | 'failed'; readonly because: string; readonly result: JsonObject }

export interface RecordHead {
  readonly v: number
  readonly seq: number
  readonly run: string
  /** 0 until leases exist. */
  readonly epoch: number
  readonly host: string
  /** ms since the epoch. */
  readonly atMs: number
  /** Hash of the record before, empty for the first. */
  readonly prev: string
}

export type JournalRecord = RecordHead & RecordBody & { readonly hash: string }

export function encodeRecord(
  hash: Hash,
  head: RecordHead,
  body: RecordBody,
): { readonly record: JournalRecord; readonly bytes: Uint8Array } {
  const content = { ...head, ...body }
  const record = { ...content, hash: hash.sha256(JSON.stringify(content)) }
  return { record, bytes: new TextEncoder().encode(`${JSON.stringify(record)}\n`) }
}

export interface DecodedJournal {
  readonly records: readonly JournalRecord[]
  /** Bytes up to the end of the last whole record: what follows is torn. */
  readonly soundBytes: number
}

/** @throws JOURNAL_DAMAGED naming the record, JOURNAL_NEWER */
export function decodeJournal(hash: Hash, runId: string, bytes: Uint8Array): DecodedJournal {
  const records: JournalRecord[] = []
  let soundBytes = 0
  while (soundBytes < bytes.length) {
    const newline = bytes.indexOf(10, soundBytes)
    const isLast = newline === -1 || newline === bytes.length - 1
    const line = new TextDecoder().decode(bytes.subarray(soundBytes, newline === -1 ? bytes.length : newline))
    const record = newline === -1 ? null : parseRecord(hash, line, records.at(-1)?.hash ?? '', records.length)
    if (record === null) {
      if (isLast && !holdsWholeRecord(line)) return { records, soundBytes }
      throw damaged(runId, records.length)
    }
    if (record.v > journalVersion) throw newer(runId, record.v)
    records.push(record)
    soundBytes = newline + 1
  }
  return { records, soundBytes }
}

/** A torn record is the beginning of one. Where a whole one is followed by something, its end was altered: it was acknowledged once. */
function holdsWholeRecord(line: string): boolean {
  return /"hash":"[0-9a-f]{64}"\}[^\0]/.test(line)
}

/** null unless the line is, to the byte, the record that follows. */
function parseRecord(hash: Hash, line: string, prev: string, seq: number): JournalRecord | null {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value !== 'object' || value === null || !('hash' in value) || !('prev' in value) || !('seq' in value)) return null
    const { hash: stated, ...content } = value
    if (content.prev !== prev || content.seq !== seq || stated !== hash.sha256(JSON.stringify(content))) return null
    // The hash over every byte says that we wrote it, and this is what we write.
    return value as unknown as JournalRecord
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

function damaged(runId: string, at: number): DrError {
  return new DrError('JOURNAL_DAMAGED', {
    what: `record ${at + 1} of the journal of run ${runId} does not match its hash, and records follow it`,
    untouched: 'The journal was left as it is; no step was begun.',
    next: 'Keep a copy of the journal, find out what altered it, then start a new run.',
  })
}

function newer(runId: string, version: number): DrError {
  return new DrError('JOURNAL_NEWER', {
    what: `the journal of run ${runId} has format ${version}; this version knows up to ${journalVersion}`,
    untouched: 'Nothing was done.',
    next: 'Use the version of genesis-dr that began the run, or a newer one.',
  })
}
