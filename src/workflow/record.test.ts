/** A journal says what was written to it, or that it is damaged, or nothing at all of what was never acknowledged. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nodeHash as hash } from '../adapters/node/hash.ts'
import { isDrError } from '../errors.ts'
import { decodeJournal, encodeRecord, type JournalRecord, type JsonObject, journalVersion, type RecordBody } from './record.ts'

const bodies: readonly RecordBody[] = [
  {
    type: 'run-started',
    scenario: 'DATABASE_CORRUPTION',
    mode: 'live',
    system: 'genesis',
    options: {},
    plan: [
      { name: 'a', hash: 'c0ffee' },
      { name: 'b', hash: 'c0ffee' },
    ],
    detectedAtMs: 5,
    detectedBecause: 'Zürich: «malformed»',
  },
  { type: 'step-began', step: 'a', attempt: 1 },
  {
    type: 'step-ended',
    step: 'a',
    attempt: 1,
    outcome: 'done',
    because: 'it is\ndone',
    notProven: ['exchange'],
    durationMs: 1.5,
    evidence: { b: [1, null] },
    error: null,
    byPerson: false,
  },
  { type: 'resumed', pid: 4711 },
  { type: 'run-ended', state: 'done', because: 'recovered', result: { success: true } },
]

interface Written {
  readonly bytes: Uint8Array
  readonly records: readonly JournalRecord[]
  /** Bytes up to the end of each record. */
  readonly ends: readonly number[]
}

function written(all: readonly RecordBody[], versions: readonly number[] = []): Written {
  const records: JournalRecord[] = []
  const ends: number[] = []
  let bytes = new Uint8Array(0)
  for (const [seq, body] of all.entries()) {
    const v = versions[seq] ?? journalVersion
    const head = { v, seq, run: 'run-1', epoch: 0, host: 'here', atMs: 1000 + seq, prev: records.at(-1)?.hash ?? '' }
    const next = encodeRecord(hash, head, body)
    bytes = Uint8Array.from([...bytes, ...next.bytes])
    records.push(next.record)
    ends.push(bytes.length)
  }
  return { bytes, records, ends }
}

/** `CODE: sentence`, or how many records there are. */
function verdict(bytes: Uint8Array): string {
  try {
    return `${decodeJournal(hash, 'run-1', bytes).records.length} records`
  } catch (error) {
    if (isDrError(error)) return `${error.code}: ${error.message}`
    throw error
  }
}

const anySentence = fc.oneof(fc.string(), fc.constantFrom('Zürich \u{1F6D1}', 'half a pair \ud800', '\u2028\u0000\n"\\', '\ufffd\ufeff'))

const { bytes, records, ends } = written(bodies)
const endOf = (count: number): number => (count === 0 ? 0 : (ends[count - 1] ?? 0))

describe('a journal', () => {
  it('nothing is in it -> no record', () => {
    expect(decodeJournal(hash, 'run-1', new Uint8Array(0))).toEqual({ records: [], soundBytes: 0 })
  })

  it('whole records -> every one of them, each with the hash of the one before', () => {
    expect(decodeJournal(hash, 'run-1', bytes)).toEqual({ records, soundBytes: bytes.length })
    expect(records.map((record) => record.prev)).toEqual(['', ...records.slice(0, -1).map((record) => record.hash)])
    expect(new TextDecoder().decode(bytes).split('\n')).toHaveLength(bodies.length + 1)
  })

  it('any evidence at all -> read back as it was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 3 }), anySentence, (evidence, because) => {
        const ended = {
          type: 'step-ended',
          step: 'a',
          attempt: 1,
          outcome: 'done',
          because,
          notProven: [],
          durationMs: 0,
          error: null,
          byPerson: false,
        } as const
        const one = written([
          { ...ended, evidence: JSON.parse(JSON.stringify(evidence)) as JsonObject },
          { type: 'resumed', pid: 1 },
        ])
        expect(JSON.stringify(decodeJournal(hash, 'run-1', one.bytes).records)).toBe(JSON.stringify(one.records))
      }),
    )
  })
})

describe('a journal that is torn', () => {
  it('at every byte of any record -> the records before it, and where they end', () => {
    for (let length = 0; length < bytes.length; length++) {
      const whole = ends.filter((end) => end <= length).length
      expect(decodeJournal(hash, 'run-1', bytes.subarray(0, length)), `torn at ${length}`).toEqual({
        records: records.slice(0, whole),
        soundBytes: endOf(whole),
      })
    }
  })

  it('and what is left of the last record was never written -> it is cut as well', () => {
    const last = endOf(bodies.length - 1)
    for (let from = last; from < bytes.length - 1; from += 7) {
      const zeros = bytes.slice().fill(0, from)
      expect(decodeJournal(hash, 'run-1', zeros)).toEqual({ records: records.slice(0, -1), soundBytes: last })
    }
  })
})

describe('a journal that is damaged', () => {
  it('any bit flipped in a record that others follow -> JOURNAL_DAMAGED, with the number of that record', () => {
    // Every byte is hit, by two or three of its bits.
    for (let bit = 0; bit < endOf(bodies.length - 1) * 8; bit += 3) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const at = ends.filter((end) => end <= bit >> 3).length + 1
      expect(verdict(flipped), `bit ${bit & 7} of byte ${bit >> 3}`).toBe(
        `JOURNAL_DAMAGED: record ${at} of the journal of run run-1 does not match its hash, and records follow it`,
      )
    }
  })

  it('any bit flipped in the end of the line before the last record -> JOURNAL_DAMAGED, not two records cut', () => {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = bytes.slice()
      flipped[endOf(bodies.length - 1) - 1] = 10 ^ (1 << bit)
      expect(verdict(flipped), `bit ${bit}`).toMatch(/^JOURNAL_DAMAGED: record 4 /)
    }
  })

  it('any bit flipped in the last record -> it is not believed, and those before it are', () => {
    const last = endOf(bodies.length - 1)
    for (let bit = last * 8; bit < bytes.length * 8; bit += 3) {
      const flipped = bytes.slice()
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(verdict(flipped), `bit ${bit & 7} of byte ${bit >> 3}`).toMatch(/^(4 records|JOURNAL_DAMAGED: record 5 )/)
    }
  })

  it('a record was taken out, doubled, or two changed places -> JOURNAL_DAMAGED', () => {
    const part = (at: number): Uint8Array => bytes.subarray(endOf(at), endOf(at + 1))
    const of = (...order: readonly number[]): Uint8Array => Uint8Array.from(order.flatMap((at) => [...part(at)]))
    expect(verdict(of(0, 1, 2, 3, 4))).toBe('5 records')
    expect(verdict(of(1, 2, 3, 4))).toMatch(/^JOURNAL_DAMAGED: record 1 /)
    expect(verdict(of(0, 2, 3, 4))).toMatch(/^JOURNAL_DAMAGED: record 2 /)
    expect(verdict(of(0, 1, 1, 2))).toMatch(/^JOURNAL_DAMAGED: record 3 /)
    expect(verdict(of(0, 2, 1, 3))).toMatch(/^JOURNAL_DAMAGED: record 2 /)
  })

  it('a record of another journal stands in it -> JOURNAL_DAMAGED', () => {
    const other = written([{ type: 'resumed', pid: 1 }, ...bodies.slice(1)])
    const mixed = Uint8Array.from([...bytes.subarray(0, endOf(1)), ...other.bytes.subarray(other.ends[0] ?? 0)])
    expect(verdict(mixed)).toMatch(/^JOURNAL_DAMAGED: record 2 /)
  })
})

describe('a journal of another version', () => {
  it('a record is of a newer one, anywhere -> JOURNAL_NEWER, and nothing is guessed', () => {
    for (const at of bodies.keys()) {
      const newer = written(
        bodies,
        bodies.map((_, seq) => (seq >= at ? journalVersion + 1 : journalVersion)),
      )
      expect(verdict(newer.bytes)).toBe('JOURNAL_NEWER: the journal of run run-1 has format 2; this version knows up to 1')
    }
  })
})
