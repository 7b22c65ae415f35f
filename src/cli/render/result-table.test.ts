/** What a run came to, as a table: what was not measured is said to be that, and is never called met. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { result } from '../../../test/support/shell.ts'
import type { RunResult } from '../../runbook/result.ts'
import { minutes } from '../../units.ts'
import { plainPalette } from './palette.ts'
import { resultTable } from './result-table.ts'

const shown = (over: Partial<RunResult>, columns = 120): string => resultTable({ ...result, ...over }, plainPalette, columns)
/** The cells of the row that begins so. */
const row = (text: string, label: string): readonly string[] =>
  text
    .split('\n')
    .find((line) => line.trim().startsWith(label))
    ?.trim()
    .split(/ {2,}/) ?? []

describe('the measures of a run', () => {
  it('everything was measured, and the targets were met -> what, against what', () => {
    const text = shown({ lostOrders: [] })
    expect(text.split('\n')[0]).toBe('recovered; not proven: exchange')
    expect(row(text, 'recovery time')).toEqual(['recovery time (RTO)', '3.1 s', '15 min', 'met'])
    expect(row(text, 'data loss')).toEqual(['data loss (RPO)', 'none', '5 min', 'met'])
    expect(row(text, 'transactions lost')).toEqual(['transactions lost', '0'])
    expect(row(text, 'orders lost')).toEqual(['orders lost', '0'])
  })

  it('targets were missed -> in capitals, with what was lost', () => {
    const text = shown({
      recoveryTimeMs: minutes(16),
      rtoMet: false,
      dataLossMs: minutes(6),
      rpoMet: false,
      lostTransactions: 17,
      lostOrders: ['1-1', '1-2', '1-3', '1-4', '1-5'],
    })
    expect(row(text, 'recovery time')).toEqual(['recovery time (RTO)', '16 min', '15 min', 'MISSED'])
    expect(row(text, 'data loss')).toEqual(['data loss (RPO)', '6 min', '5 min', 'MISSED'])
    expect(row(text, 'transactions lost')).toEqual(['transactions lost', '17'])
    expect(row(text, 'orders lost')).toEqual(['orders lost', '5', '1-1, 1-2, 1-3, 1-4, ...'])
  })

  it('nothing was measured -> "not measured" in every row, and "met" nowhere', () => {
    const text = shown({ recoveryTimeMs: null, rtoMet: null, dataLossMs: null, rpoMet: null, lostTransactions: null, lostOrders: null })
    expect(row(text, 'recovery time')).toEqual(['recovery time (RTO)', '-', '15 min', 'not measured'])
    expect(row(text, 'data loss')).toEqual(['data loss (RPO)', '-', '5 min', 'not measured'])
    expect(row(text, 'transactions lost')).toEqual(['transactions lost', '-', 'not measured'])
    expect(row(text, 'orders lost')).toEqual(['orders lost', '-', 'not measured'])
    expect(text).not.toMatch(/\bmet\b|MISSED|none/)
  })

  it('any mixture -> a row says "met" exactly when its target was measured as met', () => {
    const maybe = fc.option(fc.boolean())
    fc.assert(
      fc.property(
        maybe,
        maybe,
        fc.option(fc.nat(9)),
        fc.option(fc.array(fc.constantFrom('1-1', '2-7'))),
        (rtoMet, rpoMet, lostTransactions, lostOrders) => {
          const recoveryTimeMs = rtoMet === null ? null : 1000
          const dataLossMs = rpoMet === null ? null : 1000
          const text = shown({ rtoMet, rpoMet, recoveryTimeMs, dataLossMs, lostTransactions, lostOrders })
          const word = (value: boolean | null): string => (value === null ? 'not measured' : value ? 'met' : 'MISSED')
          expect(row(text, 'recovery time').at(-1)).toBe(word(rtoMet))
          expect(row(text, 'data loss').at(-1)).toBe(word(rpoMet))
          expect(row(text, 'transactions lost').includes('not measured')).toBe(lostTransactions === null)
          expect(row(text, 'orders lost').includes('not measured')).toBe(lostOrders === null)
        },
      ),
    )
  })

  it('a dry run -> no measure at all: it recovers nothing', () => {
    expect(shown({ mode: 'dry-run', because: 'dry run: nothing was changed' })).not.toMatch(/RTO|RPO|met|lost/)
  })
})

describe('what else is said of a run', () => {
  it('checks -> how many passed, failed and are not configured, and each that failed', () => {
    const text = shown({ validation: [...result.validation, { check: 'no orphans', outcome: 'fail', observed: '3', expected: '0' }] })
    expect(text).toContain('checks: 1 passed, 1 failed, 1 not configured')
    expect(text).toContain('FAILED: no orphans: 3 instead of 0')
    expect(shown({ validation: [] })).not.toContain('checks:')
  })

  it('what is not proven -> named; where to find the whole record -> for a live run', () => {
    expect(shown({})).toContain('not proven: exchange')
    expect(shown({})).toContain('the whole record: genesis-dr runs show 20250101-120000-482a1')
    expect(shown({ mode: 'drill' })).not.toContain('the whole record')
  })

  it('a drill -> whether it is gone without a trace, and how to play it again', () => {
    const text = shown({ mode: 'drill', seed: 42, faults: ['header'], teardown: { clean: true, left: [] } })
    expect(text).toContain('teardown: clean: no process and no file is left')
    expect(text).toContain('play it again: genesis-dr drill --scenario DATABASE_CORRUPTION --damage header --seed 42')
    expect(shown({ teardown: { clean: false, left: ['process 7'] } })).toContain('left behind: 1 thing: process 7')
  })

  it('a narrow screen -> no line of words is longer than it', () => {
    const because = `not recovered: ${'the quick brown fox jumps over the lazy dog '.repeat(5)}`
    const lines = shown({ success: false, because, notProven: Array.from({ length: 20 }, (_, at) => `proof ${at}`) }, 70).split('\n')
    expect(lines.every((line) => line.length <= 70)).toBe(true)
  })
})
