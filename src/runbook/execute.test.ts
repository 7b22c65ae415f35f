/** One run at a time, gone on with when its process died: which run that is, and what a person's choices make of it. */
import { describe, expect, it } from 'vitest'
import { journalsInMemory } from '../../test/support/journal-in-memory.ts'
import { type SmallSystem, smallRunbook, smallStep, smallSystem } from '../../test/support/small-runbook.ts'
import { must } from '../assert.ts'
import { Journal, readRun } from '../workflow/journal.ts'
import { encodeRecord, type RecordBody } from '../workflow/record.ts'
import { type ExecuteRequest, execute, lastInterrupted } from './execute.ts'
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
