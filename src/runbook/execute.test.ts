/** One run at a time, gone on with when its process died: which run that is, and what a person's choices make of it. */
import { describe, expect, it } from 'vitest'
import { journalsInMemory } from '../../test/support/journal-in-memory.ts'
import { type SmallSystem, smallRunbook, smallStep, smallSystem } from '../../test/support/small-runbook.ts'
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import { lastInterrupted } from '../workflow/find-runs.ts'
import { Journal, readRun } from '../workflow/journal.ts'
import { encodeRecord, type RecordBody } from '../workflow/record.ts'
import { type ExecuteRequest, execute } from './execute.ts'
import { exitOf } from './result.ts'

const started: RecordBody = {
  type: 'run-started',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  system: 'genesis',
  options: {},
  plan: [{ name: 'stop-trading', hash: 'c0ffee' }],
  detectedAtMs: 0,
  detectedBecause: 'noticed',
}
const done: RecordBody = { type: 'run-ended', state: 'done', because: 'recovered', result: {} }

async function write({ world }: SmallSystem, runId: string, ...bodies: readonly RecordBody[]): Promise<void> {
  const journal = await Journal.open(world.journal, runId)
  for (const body of bodies) await journal.append(body)
}

const request = (over: Partial<ExecuteRequest> = {}): ExecuteRequest => ({
  runbook: smallRunbook([smallStep('a'), smallStep('b'), smallStep('c', { optional: true })]),
  mode: 'live',
  detectedAtMs: Date.UTC(2025, 0, 1, 12),
  detectedBecause: 'noticed',
  approve: async () => ({ do: 'run' }),
  onEvent: () => {},
  signal: new AbortController().signal,
  ...over,
})

describe('the run that is gone on with', () => {
  const found = async (system: SmallSystem) => (await lastInterrupted(system.world.journal))?.runId ?? null

  it('none was begun, or all have ended -> none', async () => {
    const system = smallSystem()
    expect(await found(system)).toBeNull()
    await write(system, '20250101-120000-aaaa', started, done)
    expect(await found(system)).toBeNull()
  })

  it('the newest did not end -> that one', async () => {
    const system = smallSystem()
    await write(system, '20250101-120000-aaaa', started, done)
    await write(system, '20250102-120000-bbbb', started)
    expect(await found(system)).toBe('20250102-120000-bbbb')
  })

  it('the clock was set back, and the newest run by time was interrupted -> it is gone on with', async () => {
    const system = smallSystem()
    await write(system, '20260601-000000-aaaa', started, done)
    await write(system, '20260501-000000-bbbb', started)
    expect(await found(system)).toBe('20260501-000000-bbbb')
  })

  it('a journal is damaged -> that run cannot be gone on with, and hides no other', async () => {
    const store = journalsInMemory()
    const system = smallSystem(store)
    await write(system, '20250101-120000-aaaa', started)
    await write(system, '20250102-120000-bbbb', started, done)
    must(store.contents.get('20250102-120000-bbbb'), 'it was written')[5] = 0
    expect(await found(system)).toBe('20250101-120000-aaaa')
  })

  it('a journal is of a newer version -> JOURNAL_NEWER: nobody guesses whether it ended', async () => {
    const store = journalsInMemory()
    const system = smallSystem(store)
    const head = { v: 2, seq: 0, run: '20250101-120000-aaaa', epoch: 0, host: 'here', atMs: 0, prev: '' }
    await store.append(head.run, encodeRecord(system.world.journal.hash, head, started).bytes)
    await expect(found(system)).rejects.toMatchObject({ code: 'JOURNAL_NEWER' })
  })
})

describe('a run', () => {
  it('every step ends well -> recovered, by its journal as well', async () => {
    const { world } = smallSystem()
    const outcome = await execute(world, request())
    expect(outcome).toMatchObject({ ended: 'done', result: { success: true, because: 'recovered', scenario: 'DATABASE_CORRUPTION' } })
    const [runId = ''] = await world.journal.store.list()
    expect((await readRun(world.journal, runId))?.end).toMatchObject({ state: 'done', because: 'recovered' })
  })

  it('it was interrupted -> the same command goes on with it, under its id, and does nothing twice', async () => {
    const { world } = smallSystem()
    const stop = new AbortController()
    let acts = 0
    const first = smallStep('a', {
      act: async () => {
        acts++
        stop.abort()
        return { outcome: 'done', because: 'it is done', evidence: {} }
      },
    })
    const runbook = smallRunbook([first, smallStep('b')])
    const paused = await execute(world, request({ runbook, signal: stop.signal }))
    expect(paused.ended).toBe('paused')
    const events: string[] = []
    const outcome = await execute(world, request({ runbook, onEvent: (event) => events.push(event.type) }))
    expect(outcome).toMatchObject({ ended: 'done', result: { runId: 'runId' in paused ? paused.runId : '', success: true } })
    expect([acts, events[0]]).toEqual([1, 'run-resumed'])
    expect(await world.journal.store.list()).toHaveLength(1)
  })

  it.each([
    ['what it found does not hold any more -> it acts again', true, false, 2],
    ['what it found still holds -> it does not', false, false, 1],
    ['a person skipped it -> that stays decided', true, true, 0],
  ])('it was interrupted after a step whose outcome may expire; %s', async (_, expired, skipped, expected) => {
    const { world } = smallSystem()
    let acts = 0
    const asked: unknown[] = []
    const proving = smallStep('a', {
      act: async () => {
        acts++
        return { outcome: 'done', because: 'it is proven', evidence: { resumed: { proven: true, pids: [] } } }
      },
      expired: async (_ports, { facts }) => {
        asked.push(facts)
        return expired
      },
    })
    const runbook = smallRunbook([proving, smallStep('b')])
    const stop = new AbortController()
    const approve: ExecuteRequest['approve'] = async (step) => {
      if (step.name === 'b') stop.abort()
      return skipped && step.name === 'a' ? { do: 'skip', because: 'no need' } : { do: 'run' }
    }
    await execute(world, request({ runbook, approve, signal: stop.signal }))
    expect(asked).toEqual([])
    await execute(world, request({ runbook }))
    expect([acts, asked]).toEqual([expected, skipped ? [] : [{ resumed: { proven: true, pids: [] } }]])
  })

  it('one of another scenario was interrupted -> RUN_ACTIVE with how to finish it, and nothing is begun', async () => {
    const system = smallSystem()
    await write(system, '20250101-120000-aaaa', {
      ...started,
      scenario: 'RECOVER',
      options: { timeline: '0000000a', target: 'time', time: '2025-01-01T12:00:00.000Z' },
    })
    await expect(execute(system.world, request())).rejects.toMatchObject({
      code: 'RUN_ACTIVE',
      next: 'Finish it first: genesis-dr recover --timestamp 2025-01-01T12:00:00.000Z --timeline 0000000a',
    })
    expect(await system.world.journal.store.list()).toHaveLength(1)
  })

  it('another process executes one -> waited for a little, then RUN_ACTIVE', async () => {
    const { world, time } = smallSystem()
    const lock = must(await world.journal.store.lock(), 'nobody has it')
    await expect(execute(world, request())).rejects.toMatchObject({ code: 'RUN_ACTIVE' })
    expect(time.monotonicMs).toBeGreaterThanOrEqual(1000)
    await lock.release()
    expect((await execute(world, request())).ended).toBe('done')
  })

  it('it was asked for while another was under way, which then ended -> RUN_ACTIVE, and not a second one right after it', async () => {
    const system = smallSystem()
    const { journal } = system.world
    const lock = must(await journal.store.lock(), 'nobody has it')
    const clock = {
      ...journal.clock,
      sleep: async (ms: number) => {
        await journal.clock.sleep(ms)
        if (system.time.monotonicMs !== 100) return
        await write(system, '20250101-120000-aaaa', started, done)
        await lock.release()
      },
    }
    const world = { ...system.world, journal: { ...journal, clock } }
    await expect(execute(world, request())).rejects.toMatchObject({
      code: 'RUN_ACTIVE',
      message: 'run 20250101-120000-aaaa was being executed when this command was given, and has just ended: recovered',
    })
    expect(await journal.store.list()).toHaveLength(1)
    expect((await execute(world, request())).ended).toBe('done')
  })

  it.each(['lock', 'append'] as const)(
    'no space is left for its %s -> said that the bot was not stopped, and how to stop it',
    async (what) => {
      const { world } = smallSystem()
      const full = () =>
        Promise.reject(new DrError('DISK_FULL', { what: 'no space is left there', untouched: 'All.', next: 'Free space.' }))
      const journal = { ...world.journal, store: { ...world.journal.store, [what]: full } }
      await expect(execute({ ...world, journal }, request())).rejects.toMatchObject({
        code: 'DISK_FULL',
        untouched: 'Nothing was done by this command: the bot was NOT stopped.',
        next: expect.stringMatching(/^Stop the bot by hand, free space/),
      })
    },
  )

  it('the configuration was edited since it was interrupted -> RUN_PLAN_CHANGED with what differs, and no step is begun', async () => {
    const { world } = smallSystem()
    const steps = [smallStep('a'), smallStep('b', { act: () => Promise.reject(new Error('it acts')) })]
    const stop = new AbortController()
    const approve: ExecuteRequest['approve'] = async (step) => {
      if (step.name === 'b') stop.abort()
      return { do: 'run' }
    }
    await execute(world, request({ runbook: smallRunbook(steps), approve, signal: stop.signal }))
    const edited = { ...world, settings: (runId: string) => ({ ...world.settings(runId), database: '/data/other.db' }) }
    await expect(execute(edited, request({ runbook: smallRunbook(steps) }))).rejects.toMatchObject({
      code: 'RUN_PLAN_CHANGED',
      message: expect.stringMatching(/database was \/data\/bot\.db, now it is \/data\/other\.db$/),
    })
    const moved = { ...world, ports: { ...world.ports, store: { ...world.ports.store, url: 'file:elsewhere' } } }
    await expect(execute(moved, request({ runbook: smallRunbook(steps) }))).rejects.toMatchObject({
      message: expect.stringContaining('replica was file:replica, now it is file:elsewhere'),
    })
  })
})

describe('a run that a person steers', () => {
  const skipping = async (name: string) => {
    const { world } = smallSystem()
    const approve: ExecuteRequest['approve'] = async (step) => (step.name === name ? { do: 'skip', because: 'no time' } : { do: 'run' })
    const outcome = await execute(world, request({ approve }))
    if (outcome.ended === 'paused') throw new Error('nobody interrupted it')
    const [runId = ''] = await world.journal.store.list()
    return { ...outcome, end: (await readRun(world.journal, runId))?.end }
  }

  it('they skip a step that a recovery needs -> never "recovered" without a word about it, not in the journal either', async () => {
    const { result, end } = await skipping('b')
    expect(end?.because).toBe('not recovered: b was skipped by a person: no time')
    expect(result).toMatchObject({
      success: false,
      because: 'not recovered: b was skipped by a person: no time',
      notProven: ['b (skipped by a person)'],
      recoveryTimeMs: null,
    })
    expect(exitOf(result)).toBe(1)
  })

  it('they skip one that may fail -> recovered, and what was skipped is not proven', async () => {
    const { ended, result } = await skipping('c')
    expect([ended, result.because, exitOf(result)]).toEqual(['done', 'recovered; not proven: c (skipped by a person)', 0])
  })
})
