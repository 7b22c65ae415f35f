/** The engine against every death: what was settled is never done again, and what may have been done is done once more and told so. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { journalsInMemory } from '../../test/support/journal-in-memory.ts'
import { nodeHash } from '../adapters/node/hash.ts'
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import { Journal, type JournalWorld, readRun } from './journal.ts'
import type { JsonObject } from './record.ts'
import { type Approval, type RunEvent, runWorkflow, type StepOutcome, type WorkflowStep } from './run.ts'
import type { RunState } from './run-state.ts'

interface Act {
  readonly step: string
  readonly interrupted: boolean
  readonly evidence: JsonObject
}

interface Life {
  readonly steps?: readonly WorkflowStep[]
  readonly approve?: (step: string) => Promise<Approval>
  readonly signal?: AbortSignal
  readonly onEvent?: (event: RunEvent) => void
}

const done = (name: string): StepOutcome => ({ outcome: 'done', because: `${name} is done`, evidence: { [name]: true } })
const doing = (name: string, act: () => Promise<StepOutcome> | StepOutcome, optional = false): WorkflowStep => ({
  name,
  hash: 'as it is',
  optional,
  act: async () => act(),
})
const diskFull = (): DrError => new DrError('DISK_FULL', { what: 'no space is left there', untouched: 'All.', next: 'Free space.' })
const names = ['a', 'b', 'c']

/** One run, as many lives as it takes. Time goes on by 10 ms with every act and every look at the clock of the wall. */
function system(store: JournalStore = journalsInMemory()) {
  const acts: Act[] = []
  const time = { wallMs: 1_000_000, monotonicMs: 0 }
  const clock = { wallMs: () => time.wallMs, monotonicMs: () => time.monotonicMs, sleep: async () => {} }
  const goodSteps = names.map<WorkflowStep>((name) => ({
    name,
    hash: 'as it is',
    optional: false,
    act: async ({ evidence, interrupted }) => {
      acts.push({ step: name, interrupted, evidence })
      time.wallMs += 10
      time.monotonicMs += 10
      return done(name)
    },
  }))
  const live = async (life: Life = {}, over: JournalStore = store): Promise<'done' | 'failed' | 'paused'> => {
    const world: JournalWorld = { store: over, hash: nodeHash, clock, host: 'here' }
    const journal = await Journal.open(world, 'run-1')
    if (journal.state?.end != null) return journal.state.end.state
    const { steps = goodSteps } = life
    const about = { scenario: 'S', mode: 'live', system: 'genesis', options: {}, detectedAtMs: 999_000, detectedBecause: 'noticed' }
    const plan = steps.map(({ name, hash }) => ({ name, hash }))
    if (journal.state === null) await journal.append({ type: 'run-started', ...about, plan })
    else await journal.append({ type: 'resumed', pid: 1 })
    return runWorkflow({
      world,
      journal,
      steps,
      command: 'genesis-dr execute --scenario S',
      approve: life.approve ?? (async () => ({ do: 'run' })),
      onEvent: life.onEvent ?? (() => {}),
      signal: life.signal ?? new AbortController().signal,
      conclude: ({ steps: ended }, failure) => {
        return { success: failure === null, because: failure ?? 'all is well', result: { steps: ended.length } }
      },
    })
  }
  const state = async (): Promise<RunState | null> => readRun({ store, hash: nodeHash }, 'run-1')
  const stepsNow = async () => must(await state(), 'it began').steps
  return { store, acts, time, goodSteps, live, state, stepsNow }
}

/** A store in which the process dies at one append: before, in the middle of, or after the bytes are durable. */
function dyingAt(store: JournalStore, append: number, when: 'before' | 'within' | 'after'): JournalStore {
  let count = 0
  return {
    ...store,
    append: async (runId, bytes) => {
      if (++count < append) return store.append(runId, bytes)
      if (when !== 'before') await store.append(runId, bytes.slice(0, when === 'within' ? Math.ceil(bytes.length / 2) : bytes.length))
      throw new Error('the process died')
    },
  }
}

const actsOf = (acts: readonly Act[], step: string): readonly Act[] => acts.filter((act) => act.step === step)

describe('a run', () => {
  it('every step is good -> each acts once, in order, knowing what those before found out', async () => {
    const { acts, live, state } = system()
    expect(await live()).toBe('done')
    expect(acts).toEqual([
      { step: 'a', interrupted: false, evidence: {} },
      { step: 'b', interrupted: false, evidence: { a: true } },
      { step: 'c', interrupted: false, evidence: { a: true, b: true } },
    ])
    expect(await state()).toMatchObject({ end: { state: 'done', because: 'all is well', result: { steps: 3 } } })
  })

  it('a step fails -> none after it begins, and the run failed with its reason', async () => {
    const { acts, live, goodSteps, state } = system()
    const failing = doing('b', () => ({ outcome: 'failed', because: 'no good point', evidence: { looked: 3 } }))
    expect(await live({ steps: [must(goodSteps[0], 'a'), failing, must(goodSteps[2], 'c')] })).toBe('failed')
    expect(acts.map((act) => act.step)).toEqual(['a'])
    expect(await state()).toMatchObject({
      steps: [{ outcome: 'done' }, { outcome: 'failed', evidence: { looked: 3 } }],
      end: { state: 'failed', because: 'b: no good point' },
    })
  })

  it('an optional step fails -> that is recorded, and the run goes on; a later life does not repeat it', async () => {
    const { store, live, goodSteps, stepsNow } = system()
    let tries = 0
    const steps = [
      doing('notify', () => ({ outcome: 'failed', because: `try ${++tries}`, evidence: {}, notProven: ['team notified'] }), true),
      ...goodSteps,
    ]
    await expect(live({ steps }, dyingAt(store, 6, 'before'))).rejects.toThrow('the process died')
    expect(await live({ steps })).toBe('done')
    expect(tries).toBe(1)
    expect((await stepsNow())[0]).toMatchObject({ step: 'notify', outcome: 'failed', notProven: ['team notified'] })
  })

  it.each([
    ['whose outcome is not known', new DrError('SERVICE_STOP_UNPROVEN', { what: 'W', untouched: 'U.', next: 'N' }), 'unknown'],
    ['that failed', new DrError('NO_GOOD_POINT', { what: 'W', untouched: 'U.', next: 'N' }), 'failed'],
  ] as const)('a step throws an error of ours %s -> its outcome, with all three sentences', async (_, error, outcome) => {
    const { live, stepsNow } = system()
    expect(await live({ steps: [doing('a', () => Promise.reject(error))] })).toBe('failed')
    expect(await stepsNow()).toMatchObject([
      { outcome, because: 'W. U. Next: N', evidence: {}, error: { code: error.code, what: 'W', untouched: 'U.', next: 'N' } },
    ])
  })

  it('a step that may fail throws -> that is no fact for those after it', async () => {
    const { acts, live, goodSteps } = system()
    expect(await live({ steps: [doing('notify', () => Promise.reject(diskFull()), true), must(goodSteps[0], 'a')] })).toBe('done')
    expect(acts).toEqual([{ step: 'a', interrupted: false, evidence: {} }])
  })

  it('a step throws anything else -> a failure that is said to be a bug of ours', async () => {
    const { live, stepsNow } = system()
    expect(await live({ steps: [doing('a', () => Promise.reject(new TypeError('x is undefined')))] })).toBe('failed')
    expect(await stepsNow()).toMatchObject([{ outcome: 'failed', because: 'a bug in genesis-dr: x is undefined' }])
  })

  it('steps tell how far they are -> one event after the other, each with the time since detection', async () => {
    const { live, time } = system()
    const events: RunEvent[] = []
    const step: WorkflowStep = {
      name: 'a',
      hash: 'as it is',
      optional: false,
      act: async ({ progress }) => {
        progress('half')
        time.wallMs += 40
        time.monotonicMs += 35
        return done('a')
      },
    }
    await live({ steps: [step], onEvent: (event) => events.push(event) })
    expect(events).toEqual([
      { type: 'step-began', step: 'a', elapsedMs: 1000 },
      { type: 'step-progress', step: 'a', text: 'half', elapsedMs: 1000 },
      { type: 'step-ended', step: 'a', outcome: 'done', because: 'a is done', durationMs: 35, elapsedMs: 1040 },
      { type: 'run-ended', state: 'done', because: 'all is well', elapsedMs: 1040 },
    ])
  })
})

describe('a run whose process dies', () => {
  /** Records of a whole run: it began, two for each step, it ended. */
  const appends = 2 + 2 * names.length

  for (const when of ['before', 'within', 'after'] as const) {
    it(`${when} any one record is durable -> the next life finishes it, and repeats only what may have been under way`, async () => {
      for (let append = 1; append <= appends; append++) {
        const { store, acts, live, state } = system()
        await expect(live({}, dyingAt(store, append, when))).rejects.toThrow('the process died')
        const left = (await state())?.steps ?? []
        const before = acts.length
        expect(await live(), `append ${append}`).toBe('done')
        for (const [at, name] of names.entries()) {
          const first = actsOf(acts.slice(0, before), name)
          const second = actsOf(acts.slice(before), name)
          const former = left.find((step) => step.step === name)
          const settled = former?.outcome === 'done'
          expect(second.length, `${name}, append ${append}`).toBe(settled ? 0 : 1)
          if (second[0] !== undefined) expect(second[0].interrupted).toBe(former !== undefined && former.outcome === null)
          expect(first.length + second.length).toBeLessThanOrEqual(2)
          // No step acts in a life that did not get past announcing it.
          expect(first.length).toBe(append > 2 + 2 * at ? 1 : 0)
        }
        expect(await state()).toMatchObject({ end: { state: 'done', result: { steps: 3 } } })
      }
    })
  }

  it('and the journal ends at any of its records -> the same', async () => {
    const whole = system()
    await whole.live()
    const content = must(await whole.store.read('run-1'), 'it is written')
    const ends = [...content.keys()].filter((at) => content[at] === 10).map((at) => at + 1)
    expect(ends).toHaveLength(appends)
    for (const [at, end] of ends.entries()) {
      const { acts, live, state, store } = system()
      await store.append('run-1', content.slice(0, end))
      expect(await live()).toBe('done')
      const settled = Math.floor(at / 2)
      expect(acts.map((act) => act.step)).toEqual(at === ends.length - 1 ? [] : names.slice(settled))
      expect(acts.map((act) => act.interrupted)).toEqual(acts.map((_, first) => first === 0 && at % 2 === 1))
      expect(await state()).toMatchObject({ end: { state: 'done' } })
    }
  })

  it('again and again, wherever -> it is finished, every settled step was settled once, and each death cost one repetition at most', async () => {
    const death = fc.record({ append: fc.integer({ min: 1, max: 6 }), when: fc.constantFrom('before' as const, 'within', 'after') })
    await fc.assert(
      fc.asyncProperty(fc.array(death, { maxLength: 6 }), async (deaths) => {
        const { store, acts, live, state } = system()
        let died = 0
        for (const { append, when } of deaths) {
          try {
            await live({}, dyingAt(store, append, when))
          } catch (error) {
            expect(String(error)).toContain('the process died')
            died++
          }
        }
        expect(await live()).toBe('done')
        for (const name of names) {
          expect(actsOf(acts, name).length).toBeGreaterThan(0)
          // The one act whose outcome counts is the last; every other was told to nobody because the process died in it.
          expect(
            actsOf(acts, name)
              .slice(1)
              .every((act) => act.interrupted),
          ).toBe(true)
        }
        expect(acts.length - names.length).toBeLessThanOrEqual(died)
        expect(await state()).toMatchObject({ steps: names.map((step) => ({ step, outcome: 'done' })), end: { state: 'done' } })
      }),
      { numRuns: 60 },
    )
  })

  it('after a failure was recorded but not the end of the run -> the step is tried once more, and not told that it was interrupted', async () => {
    const { store, live, stepsNow } = system()
    const seen: boolean[] = []
    const step: WorkflowStep = {
      name: 'a',
      hash: 'as it is',
      optional: false,
      act: async ({ interrupted }) => {
        seen.push(interrupted)
        return seen.length === 1 ? { outcome: 'failed', because: 'not yet', evidence: {} } : done('a')
      },
    }
    await expect(live({ steps: [step] }, dyingAt(store, 4, 'before'))).rejects.toThrow('the process died')
    expect(await live({ steps: [step] })).toBe('done')
    expect(seen).toEqual([false, false])
    expect(await stepsNow()).toMatchObject([{ step: 'a', attempts: 2, outcome: 'done' }])
  })
})

describe('a run whose journal cannot be written', () => {
  it('no space is left for what announces a step -> DISK_FULL, and the step does not begin', async () => {
    for (const at of names.keys()) {
      const { store, acts, live } = system()
      let count = 0
      const append: JournalStore['append'] = async (runId, bytes) => {
        if (++count > 1 + 2 * at) throw diskFull()
        await store.append(runId, bytes)
      }
      const events: RunEvent[] = []
      await expect(live({ onEvent: (event) => events.push(event) }, { ...store, append })).rejects.toMatchObject({ code: 'DISK_FULL' })
      expect(acts.map((act) => act.step)).toEqual(names.slice(0, at))
      expect(events.filter((event) => event.type === 'step-began')).toHaveLength(at)
      expect(await live()).toBe('done')
      expect(acts.map((act) => [act.step, act.interrupted])).toEqual(names.map((name) => [name, false]))
    }
  })
})

describe('a run that is gone on with by another version', () => {
  it('one of its steps does something else now -> RUN_PLAN_CHANGED with which, and no step begins', async () => {
    const { store, acts, goodSteps, live, stepsNow } = system()
    await expect(live({}, dyingAt(store, 3, 'before'))).rejects.toThrow('the process died')
    const before = { acts: acts.length, steps: await stepsNow() }
    const steps = goodSteps.map((step) => (step.name === 'b' ? { ...step, hash: 'new' } : step))
    await expect(live({ steps })).rejects.toMatchObject({
      code: 'RUN_PLAN_CHANGED',
      message: 'run run-1 began with another runbook: b did something else then',
    })
    expect({ acts: acts.length, steps: await stepsNow() }).toEqual(before)
    expect(await live()).toBe('done')
  })
})

describe('a run that a person steers', () => {
  it('a step is skipped -> it does not act, the reason stands in the journal as not proven, and the run goes on', async () => {
    const { acts, live, stepsNow } = system()
    const approve = async (step: string): Promise<Approval> => (step === 'b' ? { do: 'skip', because: 'done by hand' } : { do: 'run' })
    expect(await live({ approve })).toBe('done')
    expect(acts.map((act) => act.step)).toEqual(['a', 'c'])
    expect((await stepsNow())[1]).toMatchObject({
      step: 'b',
      outcome: 'skipped',
      because: 'skipped by a person: done by hand',
      evidence: {},
      byPerson: true,
      notProven: ['b (skipped by a person)'],
    })
  })

  it('it is aborted -> the step does not act, nothing after it begins, and the run failed with the reason', async () => {
    const { acts, live, state } = system()
    const approve = async (step: string): Promise<Approval> => (step === 'b' ? { do: 'abort', because: 'wrong system' } : { do: 'run' })
    expect(await live({ approve })).toBe('failed')
    expect(acts.map((act) => act.step)).toEqual(['a'])
    expect(await state()).toMatchObject({
      steps: [{ step: 'a' }, { step: 'b', outcome: 'failed', because: 'aborted by a person: wrong system' }],
      end: { state: 'failed', because: 'b: aborted by a person: wrong system' },
    })
  })

  it('the process dies while it asks -> the step did not begin, and is asked for again', async () => {
    const { acts, live, stepsNow } = system()
    const asked: string[] = []
    const approve = async (step: string): Promise<Approval> => {
      asked.push(step)
      if (asked.length === 2) throw new Error('the process died')
      return { do: 'run' }
    }
    await expect(live({ approve })).rejects.toThrow('the process died')
    expect((await stepsNow()).map((step) => step.step)).toEqual(['a'])
    expect(await live({ approve })).toBe('done')
    expect(asked).toEqual(['a', 'b', 'b', 'c'])
    expect(acts.map((act) => act.interrupted)).toEqual([false, false, false])
  })
})

describe('a run that is interrupted', () => {
  it('while a step acts -> that step is finished, the next does not begin, and a later life goes on there', async () => {
    const { acts, live, goodSteps, state } = system()
    const stop = new AbortController()
    const events: RunEvent[] = []
    const steps = goodSteps.map((step) => ({
      ...step,
      act: async (scope: Parameters<WorkflowStep['act']>[0]) => {
        if (step.name === 'b') stop.abort()
        return step.act(scope)
      },
    }))
    expect(await live({ steps, signal: stop.signal, onEvent: (event) => events.push(event) })).toBe('paused')
    expect(acts.map((act) => act.step)).toEqual(['a', 'b'])
    expect(await state()).toMatchObject({ steps: [{ outcome: 'done' }, { outcome: 'done' }], end: null })
    expect(events.at(-1)).toMatchObject({ type: 'run-ended', state: 'paused', because: 'interrupted before c' })
    expect(await live()).toBe('done')
    expect(acts.map((act) => [act.step, act.interrupted])).toEqual(names.map((name) => [name, false]))
  })

  it('in its last step -> nothing is left to pause before, and it is done', async () => {
    const { live } = system()
    const stop = new AbortController()
    const step = doing('a', () => {
      stop.abort()
      return done('a')
    })
    expect(await live({ steps: [step], signal: stop.signal })).toBe('done')
  })

  it('for ten minutes -> the clock of the RTO went on', async () => {
    const { live, time } = system()
    await live({ signal: AbortSignal.abort() })
    time.wallMs += 600_000
    const events: RunEvent[] = []
    await live({ onEvent: (event) => events.push(event) })
    expect(events[0]).toMatchObject({ type: 'step-began', elapsedMs: 601_000 })
    expect(events.at(-1)).toMatchObject({ type: 'run-ended', elapsedMs: 601_030 })
  })

  it('the clock of the wall is set back meanwhile -> elapsed time is never negative, and durations are those of the other clock', async () => {
    const { live, time, stepsNow } = system()
    await live({ signal: AbortSignal.abort() })
    time.wallMs = 0
    const events: RunEvent[] = []
    await live({ onEvent: (event) => events.push(event) })
    expect(events.every((event) => !('elapsedMs' in event) || event.elapsedMs === 0)).toBe(true)
    expect((await stepsNow()).map((step) => step.durationMs)).toEqual([10, 10, 10])
  })
})
