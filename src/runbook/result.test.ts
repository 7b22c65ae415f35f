/** What a run came to: nothing is called met, lost or proven that was not measured. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../errors.ts'
import { minutes } from '../units.ts'
import type { RunState, StepState } from '../workflow/run-state.ts'
import { compared, notConfigured, passed } from './check-result.ts'
import { exitOf, lossOf, type RunResult, resultOf } from './result.ts'
import type { RunFacts } from './run-facts.ts'
import { databaseCorruption } from './scenarios/database-corruption.ts'

const step = (name: string, over: Partial<StepState> = {}): StepState => ({
  step: name,
  attempts: 1,
  outcome: 'done',
  because: 'it is done',
  notProven: [],
  startedAtMs: 2000,
  durationMs: 5,
  evidence: {},
  error: null,
  byPerson: false,
  ...over,
})
const stateOf = (...steps: readonly StepState[]): RunState => ({
  runId: 'run-1',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  system: 'genesis',
  options: {},
  place: null,
  facts: {},
  plan: [],
  detectedAtMs: 1000,
  detectedBecause: 'noticed',
  startedAtMs: 1500,
  endedAtMs: null,
  steps,
  end: null,
})

interface Run {
  readonly facts?: Partial<RunFacts>
  readonly failure?: string | null
  readonly endedAtMs?: number
  readonly steps?: readonly StepState[]
}
const result = ({ facts = {}, failure = null, endedAtMs = 3000, steps = [step('stop-trading')] }: Run = {}): RunResult =>
  resultOf({ runbook: databaseCorruption, state: stateOf(...steps), facts, mode: 'live', failure, endedAtMs })

const chosen: RunFacts['chosen'] = {
  timeline: '00000001',
  txid: 7,
  timestampMs: 0,
  lostTransactions: 0,
  dataLossMs: 0,
  lossBecause: 'no committed transaction is lost',
  notes: [],
  looked: [],
  temporary: 'bot.db.temporary',
  sum: '0',
  sizeBytes: 0,
  pages: 0,
  filesRead: 0,
  bytesRead: 0,
  verified: [],
}
const losing = (dataLossMs: number | null, lostTransactions: number | null): Partial<RunFacts> => ({
  chosen: { ...chosen, dataLossMs, lostTransactions },
  restored: { path: 'bot.db', inode: 2, sizeBytes: 0, sum: '0' },
})

describe('whether a run succeeded', () => {
  it('every step ended well, and no check failed -> recovered', () => {
    expect(result({ facts: { validation: [passed('integrity', 'ok', 'ok')] } })).toMatchObject({
      success: true,
      because: 'recovered',
      notProven: [],
    })
  })

  it('something could not be proven -> recovered, and the headline says what not, each once', () => {
    const steps = [step('a', { notProven: ['exchange'] }), step('b', { notProven: ['team notified', 'exchange'] })]
    expect(result({ steps })).toMatchObject({
      success: true,
      because: 'recovered; not proven: exchange, team notified',
      notProven: ['exchange', 'team notified'],
    })
  })

  it('a check is not configured -> no failure, and no pass', () => {
    const validation = [notConfigured('order states', 'no exchange is configured')]
    expect(result({ facts: { validation } })).toMatchObject({ success: true, validation })
  })

  it('a step failed -> not recovered, with the reason', () => {
    const failed = result({ failure: 'find-last-good: none passes', steps: [step('a', { notProven: ['exchange'] })] })
    expect(failed).toMatchObject({ success: false, because: 'not recovered: find-last-good: none passes', notProven: ['exchange'] })
  })

  it('every step ended well, yet a check failed -> not recovered', () => {
    expect(result({ facts: { validation: [compared('orphans', '1', '0')] } })).toMatchObject({
      success: false,
      because: 'not recovered: a check failed',
    })
  })

  describe('a person skipped a step', () => {
    const skipped = (name: string): StepState =>
      step(name, {
        outcome: 'skipped',
        because: 'skipped by a person: no time',
        byPerson: true,
        notProven: [`${name} (skipped by a person)`],
      })

    it('that a recovery needs -> not recovered, with which and why, and no time is measured', () => {
      const one = result({ steps: [step('stop-trading'), skipped('validate-recovery'), step('resume-trading')], facts: losing(0, 0) })
      expect(one).toMatchObject({
        success: false,
        because: 'not recovered: validate-recovery was skipped by a person: no time',
        notProven: ['validate-recovery (skipped by a person)'],
        recoveryTimeMs: null,
        rtoMet: null,
      })
      expect(exitOf(one)).toBe(1)
    })

    it('and another one failed -> the failure is the reason', () => {
      expect(result({ steps: [skipped('stop-trading'), step('b', { outcome: 'failed' })], failure: 'b: no' }).because).toBe(
        'not recovered: b: no',
      )
    })

    it('that is optional -> recovered, and it is said that nothing is known of it', () => {
      expect(result({ steps: [step('stop-trading'), skipped('notify-team')] })).toMatchObject({
        success: true,
        because: 'recovered; not proven: notify-team (skipped by a person)',
      })
    })

    it('and none did: a step found nothing to do -> recovered', () => {
      expect(result({ steps: [step('reconcile-exchange', { outcome: 'skipped' })] })).toMatchObject({ success: true, because: 'recovered' })
    })
  })

  it('a step began and its end is not known -> it is reported as unknown, with the phase of the runbook', () => {
    const steps = [
      step('stop-trading'),
      step('drain-replica', { outcome: null, because: 'it began, and its end is not known', attempts: 2 }),
    ]
    expect(result({ steps }).steps).toMatchObject([
      { name: 'stop-trading', phase: 'immediate', outcome: 'done', startedAt: '1970-01-01T00:00:02.000Z', durationMs: 5, attempts: 1 },
      { name: 'drain-replica', phase: 'immediate', outcome: 'unknown', attempts: 2 },
    ])
  })
})

describe('what a recovery lost', () => {
  it('is not known -> not proven, and the headline says so', () => {
    expect(result({ facts: losing(null, null) })).toMatchObject({
      because: 'recovered; not proven: what was lost',
      notProven: ['what was lost'],
      rpoMet: null,
    })
    expect(result({ facts: losing(null, 3) })).toMatchObject({ notProven: [], lostTransactions: 3, rpoMet: null })
  })
})

describe('the time of a recovery', () => {
  it('it recovered -> from detection to the end, against the target', () => {
    expect(result({ endedAtMs: 1000 + minutes(15) })).toMatchObject({
      recoveryTimeMs: minutes(15),
      recoveryTimeMinutes: 15,
      rtoTargetMinutes: 15,
      rtoMet: true,
      startedAt: '1970-01-01T00:00:01.500Z',
      endedAt: '1970-01-01T00:15:01.000Z',
    })
    expect(result({ endedAtMs: 1001 + minutes(15) })).toMatchObject({ recoveryTimeMinutes: 15, rtoMet: false })
  })

  it('it did not recover -> not measured, and not met', () => {
    expect(result({ failure: 'no' })).toMatchObject({ recoveryTimeMs: null, recoveryTimeMinutes: null, rtoMet: null })
  })

  it('the clock of the wall was set back meanwhile -> not measured', () => {
    expect(result({ endedAtMs: 0 })).toMatchObject({ success: true, recoveryTimeMs: null, recoveryTimeMinutes: null, rtoMet: null })
  })
})

describe('what was lost', () => {
  it('nothing was restored yet -> not measured, and not met, also where a point was chosen', () => {
    const unmeasured = { dataLossMs: null, dataLossMinutes: null, lostTransactions: null, lostOrders: null, rpoMet: null }
    expect(result()).toMatchObject(unmeasured)
    expect(result({ facts: { chosen } })).toMatchObject(unmeasured)
  })

  it('it could not be counted -> not measured, and not met', () => {
    expect(result({ facts: losing(null, null) })).toMatchObject({ dataLossMs: null, lostTransactions: null, rpoMet: null })
  })

  it('it was counted -> in transactions and minutes, against the target; orders are not known live', () => {
    expect(result({ facts: losing(minutes(5), 17) })).toMatchObject({
      dataLossMs: minutes(5),
      dataLossMinutes: 5,
      lostTransactions: 17,
      lostOrders: null,
      rpoTargetMinutes: 5,
      rpoMet: true,
    })
    expect(result({ facts: losing(minutes(5) + 1, 17) })).toMatchObject({ rpoMet: false })
  })

  it('a drill measured it by what the bot was told -> that, whatever the replica says', () => {
    const measured = { lostTransactions: 2, dataLossMs: 40, lostOrders: ['1-5', '1-6'] }
    expect(lossOf({ ...losing(0, 0), measured })).toEqual(measured)
    expect(result({ facts: { ...losing(0, 0), measured } })).toMatchObject({ ...measured, rpoMet: true })
  })

  it('any run at all -> a target is met only where something was measured, and time only where it recovered', () => {
    const anyFacts = fc.option(fc.tuple(fc.option(fc.nat(minutes(20))), fc.option(fc.nat(50))), { nil: undefined })
    const anyRun = fc.tuple(anyFacts, fc.option(fc.constant('it failed')), fc.integer({ min: 0, max: minutes(40) }))
    fc.assert(
      fc.property(anyRun, ([loss, failure, endedAtMs]) => {
        const one = result({ facts: loss === undefined ? {} : losing(...loss), failure, endedAtMs })
        expect(one.rtoMet === null).toBe(one.recoveryTimeMs === null)
        expect(one.rpoMet === null).toBe(one.dataLossMs === null)
        if (one.recoveryTimeMs !== null) expect(one.success).toBe(true)
        if (one.rtoMet === true) expect(one.recoveryTimeMs).toBeLessThanOrEqual(minutes(15))
        if (one.rpoMet === true) expect(one.dataLossMs).toBeLessThanOrEqual(minutes(5))
        if (loss === undefined) expect([one.lostTransactions, one.dataLossMs]).toEqual([null, null])
      }),
    )
  })
})

describe('the exit status of a run', () => {
  const failedBy = (code: ErrorCode): Partial<StepState> => ({
    outcome: 'failed',
    error: { code, what: 'W', untouched: 'U.', next: 'N.' },
  })
  const exit = (run: Run): number => exitOf(result(run))
  const ended = (...steps: readonly StepState[]): Run => ({ failure: 'no', steps })

  it('recovered within its targets -> 0; also where nothing could be measured', () => {
    expect([exit({ facts: losing(0, 0) }), exit({})]).toEqual([0, 0])
  })

  it('recovered, but a target was missed -> 5', () => {
    expect([exit({ endedAtMs: minutes(16) + 1000 }), exit({ facts: losing(minutes(6), 1) })]).toEqual([5, 5])
  })

  it('a step failed -> 1', () => {
    expect(exit(ended(step('a'), step('b', { outcome: 'failed' })))).toBe(1)
    expect(exit(ended(step('a'), step('b', failedBy('NO_GOOD_POINT'))))).toBe(1)
    expect(exit({ facts: { validation: [compared('orphans', '1', '0')] } })).toBe(1)
    expect(exit(ended())).toBe(1)
  })

  it('the first step was refused by a safety rule -> 4; for what is configured -> 2: nothing was done', () => {
    expect([exit(ended(step('a', failedBy('DATABASE_IN_USE')))), exit(ended(step('a', failedBy('SERVICE_UNKNOWN'))))]).toEqual([4, 2])
  })

  it('a later step was refused -> 1: something was done before', () => {
    expect(exit(ended(step('a'), step('b', failedBy('HALTED'))))).toBe(1)
    expect(exit(ended(step('a'), step('b', failedBy('SERVICE_UNKNOWN'))))).toBe(1)
  })

  it('the outcome of the last step is not known -> 3, also when it is the first', () => {
    expect(exit(ended(step('a'), step('b', { ...failedBy('SERVICE_STOP_UNPROVEN'), outcome: 'unknown' })))).toBe(3)
    expect(exit(ended(step('a', { ...failedBy('HOLDERS_UNKNOWN'), outcome: 'unknown' })))).toBe(3)
    expect(exit(ended(step('a'), step('b', { outcome: null })))).toBe(3)
  })

  it('the first step names an error that this version does not know -> 1', () => {
    const error = { code: 'NO_SUCH_CODE', what: 'W', untouched: 'U.', next: 'N.' }
    expect(exit(ended(step('a', { outcome: 'failed', error })))).toBe(1)
  })
})
