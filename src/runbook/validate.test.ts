/** The checks of a run, again: on the database as it is now, told with the restore point that the run had chosen. */
import { expect, it } from 'vitest'
import { atRest, smallSystem } from '../../test/support/small-runbook.ts'
import type { DatabaseChecks } from '../ports/database-checks.ts'
import type { JsonObject } from '../workflow/record.ts'
import type { RunState } from '../workflow/run-state.ts'
import { validateRun } from './validate.ts'

const { world } = smallSystem()
const stateOf = (evidence: JsonObject): RunState => ({
  runId: 'run-1',
  scenario: 'RECOVER',
  mode: 'live',
  system: 'genesis',
  options: {},
  place: null,
  facts: {},
  plan: [],
  detectedAtMs: 0,
  detectedBecause: 'noticed',
  startedAtMs: 0,
  endedAtMs: 1,
  steps: [
    {
      step: 'restore-point',
      attempts: 1,
      outcome: 'done',
      because: 'it is done',
      notProven: [],
      startedAtMs: 0,
      durationMs: 1,
      evidence,
      error: null,
      byPerson: false,
    },
  ],
  end: null,
})
const chosen = { timeline: '00000001', txid: 0x12af, timestampMs: Date.UTC(2024, 11, 31) }
const again = (run: RunState, problems: readonly string[] = []) => {
  const checks: DatabaseChecks = {
    integrity: async () => problems,
    queryValue: async () => 0,
    rowCounts: async () => ({ orders: 3 }),
    pageUses: async () => new Map(),
  }
  return validateRun({ ...atRest, checks, clock: world.journal.clock }, world.settings('run-1'), run)
}

it('the database still passes -> said, with the point that the run restored and the time of that point, not of now', async () => {
  expect(await again(stateOf({ chosen }))).toMatchObject({
    success: true,
    because: 'the database passes the checks of run run-1 now',
    timeline: '00000001',
    txid: '00000000000012af',
    timestamp: '2024-12-31T00:00:00.000Z',
    notProven: ['exchange'],
  })
})

it('it fails now -> said which check; what only an exchange can tell is listed as not configured', async () => {
  const report = await again(stateOf({ chosen }), ['*** in database main ***'])
  expect(report).toMatchObject({ success: false, because: 'the database fails now: database integrity (quick_check)' })
  expect(report.validation.map((one) => one.outcome)).toEqual(['fail', 'not-configured', 'not-configured', 'not-configured'])
})

it('the run came to no restore point -> none is named', async () => {
  expect(await again(stateOf({}))).toMatchObject({ success: true, timeline: null, txid: null, timestamp: null })
})
