/** The history of a system: how each run ended, or where it stands, from its journal alone. */
import { describe, expect, it } from 'vitest'
import { journalsInMemory, type MemoryJournals } from '../../test/support/journal-in-memory.ts'
import { nodeHash } from '../adapters/node/hash.ts'
import { must } from '../assert.ts'
import { Journal } from '../workflow/journal.ts'
import type { RecordBody } from '../workflow/record.ts'
import { listRuns, showRun, stateOfRun, summarize } from './runs.ts'

const start: RecordBody = {
  type: 'run-started',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  system: 'genesis',
  options: {},
  plan: [{ name: 'stop-trading', hash: 'c0ffee' }],
  detectedAtMs: 0,
  detectedBecause: 'noticed',
}
const began: RecordBody = { type: 'step-began', step: 'stop-trading', attempt: 1 }
const end = (state: 'done' | 'failed', because: string): RecordBody => ({ type: 'run-ended', state, because, result: {} })

async function write(store: MemoryJournals, runId: string, ...bodies: readonly RecordBody[]): Promise<void> {
  const clock = { wallMs: () => 1_735_732_800_000, monotonicMs: () => 0, sleep: async () => {} }
  const journal = await Journal.open({ store, hash: nodeHash, clock, host: 'here' }, runId)
  for (const body of bodies) await journal.append(body)
}
const worldOf = (store: MemoryJournals) => ({ store, hash: nodeHash })

describe('the runs of a system', () => {
  it('none was ever begun -> none', async () => {
    expect(await listRuns(worldOf(journalsInMemory()))).toEqual([])
  })

  it('some ended, the newest was interrupted -> each as it is, oldest first', async () => {
    const store = journalsInMemory()
    await write(store, '20250103-c', start, began)
    await write(store, '20250101-a', start, began, end('done', 'recovered'))
    await write(store, '20250102-b', start, end('failed', 'not recovered: none passes'))
    expect(await listRuns(worldOf(store))).toMatchObject([
      { runId: '20250101-a', state: 'done', step: 'stop-trading', because: 'recovered', endedAt: '2025-01-01T12:00:00.000Z' },
      { runId: '20250102-b', state: 'failed', step: null, because: 'not recovered: none passes' },
      {
        runId: '20250103-c',
        state: 'interrupted',
        step: 'stop-trading',
        endedAt: null,
        because: 'its process ended at stop-trading; the same command goes on with it',
      },
    ])
  })

  it('somebody executes the newest -> it is running, and an older one that never ended is not', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', start)
    await write(store, '20250102-b', start, began)
    const lock = must(await store.lock(), 'nobody has it')
    expect(await listRuns(worldOf(store))).toMatchObject([
      { runId: '20250101-a', state: 'interrupted', because: 'its process ended at its beginning; the same command goes on with it' },
      { runId: '20250102-b', state: 'running', because: 'it is being executed' },
    ])
    await lock.release()
    expect((await listRuns(worldOf(store))).map((run) => run.state)).toEqual(['interrupted', 'interrupted'])
  })

  it('looking -> gives the lock back at once', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', start)
    await listRuns(worldOf(store))
    const lock = await store.lock()
    expect(lock).not.toBeNull()
  })

  it('somebody holds the lock, and the newest has ended -> it stays ended', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', start, end('done', 'recovered'))
    await store.lock()
    expect(await listRuns(worldOf(store))).toMatchObject([{ state: 'done' }])
  })

  it('a run never durably began -> it is no run', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', start, end('done', 'recovered'))
    store.contents.set('20250102-b', new TextEncoder().encode('{"v":1,"seq":0,'))
    expect((await listRuns(worldOf(store))).map((run) => run.runId)).toEqual(['20250101-a'])
  })

  it('a journal is damaged -> it is stuck, with why; the others are shown all the same', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', start, began, end('done', 'recovered'))
    await write(store, '20250102-b', start, end('done', 'recovered'))
    const content = must(store.contents.get('20250101-a'), 'it was written')
    content[5] = (content[5] ?? 0) ^ 1
    expect(await listRuns(worldOf(store))).toEqual([
      {
        runId: '20250101-a',
        scenario: 'unknown',
        mode: 'unknown',
        state: 'stuck',
        step: null,
        startedAt: 'unknown',
        endedAt: null,
        because: 'record 1 of the journal of run 20250101-a does not match its hash, and records follow it',
      },
      expect.objectContaining({ runId: '20250102-b', state: 'done' }),
    ])
  })
})

describe('one run', () => {
  it('it is there -> its state', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', start, began)
    const state = await stateOfRun(worldOf(store), '20250101-a')
    expect(state).toMatchObject({ runId: '20250101-a', steps: [{ step: 'stop-trading', outcome: null }] })
    expect([summarize(state, true).state, summarize(state, false).state]).toEqual(['running', 'interrupted'])
  })

  it('it is not there -> RUN_UNKNOWN with the newest that is, or that none is', async () => {
    const store = journalsInMemory()
    await expect(stateOfRun(worldOf(store), 'x')).rejects.toMatchObject({ code: 'RUN_UNKNOWN', next: 'No run was ever begun here.' })
    await write(store, '20250101-a', start)
    await expect(stateOfRun(worldOf(store), '../halt')).rejects.toMatchObject({
      code: 'RUN_UNKNOWN',
      message: 'there is no run ../halt',
      next: 'The newest one is 20250101-a; all of them: genesis-dr runs',
    })
  })
})

describe('one run, in detail', () => {
  const ended = (step: string): RecordBody => ({
    type: 'step-ended',
    step,
    attempt: 1,
    outcome: 'done',
    because: 'it is done',
    notProven: [],
    durationMs: 1,
    evidence: {},
    error: null,
    byPerson: false,
  })
  const shown = (store: MemoryJournals) => showRun(worldOf(store), '20250101-a', 1_735_732_801_000)

  it('a recovery in place to the last good point -> what was asked for, and every step with its phase', async () => {
    const store = journalsInMemory()
    const options = { timeline: '00000002', target: 'last-good' }
    await write(store, '20250101-a', { ...start, scenario: 'RECOVER', options }, ended('require-nobody'), ended('find-last-good'))
    expect(await shown(store)).toMatchObject({
      options,
      steps: [
        { name: 'require-nobody', phase: 'immediate' },
        { name: 'find-last-good', phase: 'recovery' },
      ],
      result: null,
    })
  })

  it('it failed -> its result says why in the words of its end, once', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', start, ended('stop-trading'), end('failed', 'not recovered: find-last-good: none passes'))
    expect((await shown(store)).result).toMatchObject({ success: false, because: 'not recovered: find-last-good: none passes' })
  })

  it('a scenario that this version does not know -> RUN_UNKNOWN, which names it', async () => {
    const store = journalsInMemory()
    await write(store, '20250101-a', { ...start, scenario: 'DATA_LOSS' })
    await expect(shown(store)).rejects.toMatchObject({ code: 'RUN_UNKNOWN', message: expect.stringContaining('DATA_LOSS') })
  })
})
