/** Where a run stands follows from its records alone. */
import { describe, expect, it } from 'vitest'
import { must } from '../assert.ts'
import type { JournalRecord, JsonObject, Outcome, RecordBody } from './record.ts'
import { evidenceOf, foldRun, isSettled } from './run-state.ts'

const recorded = (...bodies: readonly RecordBody[]): readonly JournalRecord[] =>
  bodies.map((body, seq) => ({ v: 1, seq, run: 'run-1', epoch: 0, host: 'here', atMs: 1000 * (seq + 1), prev: '', hash: '', ...body }))
const started: RecordBody = {
  type: 'run-started',
  scenario: 'S',
  mode: 'live',
  system: 'genesis',
  options: {},
  plan: [
    { name: 'a', hash: 'c0ffee' },
    { name: 'b', hash: 'c0ffee' },
  ],
  detectedAtMs: 500,
  detectedBecause: 'noticed',
}
const began = (step: string, attempt = 1): RecordBody => ({ type: 'step-began', step, attempt })
const ended = (step: string, outcome: Outcome, evidence: JsonObject = {}, attempt = 1): RecordBody => ({
  type: 'step-ended',
  step,
  attempt,
  outcome,
  because: `${step} ${outcome}`,
  notProven: [],
  durationMs: 7,
  evidence,
  error: null,
  byPerson: false,
})
const stateOf = (...bodies: readonly RecordBody[]) => must(foldRun(recorded(...bodies)), 'it began')

describe('the state of a run', () => {
  it('no record, or none that begins it -> null', () => {
    expect(foldRun([])).toBeNull()
    expect(foldRun(recorded(began('a'), ended('a', 'done')))).toBeNull()
  })

  it('it began -> what it is, since when, and no step', () => {
    expect(stateOf(started, { type: 'resumed', pid: 1 })).toEqual({
      runId: 'run-1',
      scenario: 'S',
      mode: 'live',
      system: 'genesis',
      options: {},
      place: null,
      facts: {},
      plan: [
        { name: 'a', hash: 'c0ffee' },
        { name: 'b', hash: 'c0ffee' },
      ],
      detectedAtMs: 500,
      detectedBecause: 'noticed',
      startedAtMs: 1000,
      endedAtMs: null,
      steps: [],
      end: null,
    })
  })

  it('a step began -> its end is not known', () => {
    expect(stateOf(started, began('a')).steps).toEqual([
      {
        step: 'a',
        attempts: 1,
        outcome: null,
        because: 'it began, and its end is not known',
        notProven: [],
        startedAtMs: 2000,
        durationMs: 0,
        evidence: {},
        error: null,
        byPerson: false,
      },
    ])
  })

  it('a step began again -> it is one step, with the time of its first beginning and the outcome of its last', () => {
    const { steps } = stateOf(started, began('a'), began('b'), began('a', 2), ended('a', 'done', { found: 1 }, 2))
    expect(steps).toMatchObject([
      { step: 'a', attempts: 2, outcome: 'done', startedAtMs: 2000, durationMs: 7, evidence: { found: 1 } },
      { step: 'b', attempts: 1, outcome: null },
    ])
    expect(stateOf(started, began('a'), ended('a', 'failed'), began('a', 2)).steps).toMatchObject([{ attempts: 2, outcome: null }])
  })

  it('it ended -> when, how, and why', () => {
    const end = { state: 'failed', because: 'a: no', result: { success: false } } as const
    expect(stateOf(started, { type: 'run-ended', ...end })).toMatchObject({ endedAtMs: 2000, end })
  })

  it('steps found things out -> all of it, later over earlier', () => {
    const state = stateOf(started, ended('a', 'done', { x: 1, y: 1 }), ended('b', 'skipped', { y: 2 }), began('c'))
    expect(evidenceOf(state)).toEqual({ x: 1, y: 2 })
    expect(evidenceOf(stateOf(started))).toEqual({})
  })

  it('done and skipped -> settled; failed, unknown, unended and never begun -> not', () => {
    const settled = (outcome: Outcome): boolean => isSettled(stateOf(started, ended('a', outcome)).steps[0])
    expect([settled('done'), settled('skipped'), settled('failed'), settled('unknown')]).toEqual([true, true, false, false])
    expect([isSettled(stateOf(started, began('a')).steps[0]), isSettled(undefined)]).toEqual([false, false])
  })
})
