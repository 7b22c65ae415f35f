/** A journal as it grows: what is torn is cut, what is damaged is left alone, and what could not be written did not happen. */
import { describe, expect, it } from 'vitest'
import { journalsInMemory, type MemoryJournals } from '../../test/support/journal-in-memory.ts'
import { nodeHash } from '../adapters/node/hash.ts'
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import type { JournalStore } from '../ports/journal-store.ts'
import { Journal, type JournalWorld, readRun } from './journal.ts'
import type { RecordBody } from './record.ts'

const started: RecordBody = {
  type: 'run-started',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  system: 'genesis',
  options: {},
  plan: [{ name: 'a', hash: 'c0ffee' }],
  detectedAtMs: 5,
  detectedBecause: 'malformed',
}
const began: RecordBody = { type: 'step-began', step: 'a', attempt: 1 }
const ended: RecordBody = {
  type: 'step-ended',
  step: 'a',
  attempt: 1,
  outcome: 'done',
  because: 'it is done',
  notProven: [],
  durationMs: 1,
  evidence: { found: 1 },
  error: null,
  byPerson: false,
}

const clock = { wallMs: () => 1000, monotonicMs: () => 0, sleep: async () => {} }
const worldOf = (store: JournalStore): JournalWorld => ({ store, hash: nodeHash, clock, host: 'here' })

async function journalOf(...bodies: readonly RecordBody[]): Promise<{ readonly store: MemoryJournals; readonly ends: readonly number[] }> {
  const store = journalsInMemory()
  const journal = await Journal.open(worldOf(store), 'run-1')
  const ends: number[] = []
  for (const body of bodies) {
    await journal.append(body)
    ends.push(sizeOf(store))
  }
  return { store, ends }
}

const contentOf = (store: MemoryJournals): Uint8Array => must(store.contents.get('run-1'), 'the run has a journal')
const sizeOf = (store: MemoryJournals): number => contentOf(store).length

describe('a journal that is opened again', () => {
  it('it was torn at every byte of its last record -> it is cut there, and goes on as if that had never been begun', async () => {
    const { store, ends } = await journalOf(started, began, ended)
    const whole = contentOf(store).slice()
    const sound = ends[1] ?? 0
    for (let length = sound; length < whole.length; length++) {
      store.contents.set('run-1', whole.slice(0, length))
      const journal = await Journal.open(worldOf(store), 'run-1')
      expect(sizeOf(store), `torn at ${length}`).toBe(sound)
      expect(journal.begun.steps).toMatchObject([{ step: 'a', outcome: null }])
      await journal.append(ended)
      expect(await readRun(worldOf(store), 'run-1')).toMatchObject({ steps: [{ step: 'a', outcome: 'done', evidence: { found: 1 } }] })
    }
  })

  it('its first record was torn -> the run never began, and may begin now', async () => {
    const { store } = await journalOf(started)
    store.contents.set('run-1', contentOf(store).slice(0, -1))
    expect(await readRun(worldOf(store), 'run-1')).toBeNull()
    const journal = await Journal.open(worldOf(store), 'run-1')
    expect(journal.state).toBeNull()
    expect(() => journal.begun).toThrow('run run-1 never began')
    await journal.append(started)
    expect(await readRun(worldOf(store), 'run-1')).toMatchObject({ runId: 'run-1', scenario: 'DATABASE_CORRUPTION', steps: [], end: null })
  })

  it('it is damaged -> JOURNAL_DAMAGED, and not a byte of it is cut', async () => {
    const { store } = await journalOf(started, began, ended)
    const content = contentOf(store)
    content[10] = (content[10] ?? 0) ^ 1
    const before = content.slice()
    await expect(Journal.open(worldOf(store), 'run-1')).rejects.toMatchObject({ code: 'JOURNAL_DAMAGED' })
    expect(contentOf(store)).toEqual(before)
  })

  it('it goes on -> every record follows the one before, across lives', async () => {
    const { store } = await journalOf(started)
    for (const body of [began, ended]) await (await Journal.open(worldOf(store), 'run-1')).append(body)
    const state = must(await readRun(worldOf(store), 'run-1'), 'it began')
    expect(state.steps.map((step) => [step.step, step.attempts, step.outcome])).toEqual([['a', 1, 'done']])
  })
})

describe('a journal that is only read', () => {
  it('there is none -> null', async () => {
    expect(await readRun(worldOf(journalsInMemory()), 'run-1')).toBeNull()
  })

  it('it is torn -> what is whole is read, and the torn end stays for whoever goes on with it', async () => {
    const { store } = await journalOf(started, began)
    store.contents.set('run-1', contentOf(store).slice(0, -3))
    const before = contentOf(store).slice()
    expect(await readRun(worldOf(store), 'run-1')).toMatchObject({ runId: 'run-1', steps: [] })
    expect(contentOf(store)).toEqual(before)
  })
})

describe('a journal that cannot be written', () => {
  it('no space is left -> DISK_FULL, and it holds what it held; with space again it goes on', async () => {
    const { store } = await journalOf(started)
    const disk = { full: false }
    const append: JournalStore['append'] = async (runId, bytes) => {
      if (disk.full) throw new DrError('DISK_FULL', { what: 'no space is left there', untouched: 'Nothing was done.', next: 'Free space.' })
      await store.append(runId, bytes)
    }
    const journal = await Journal.open(worldOf({ ...store, append }), 'run-1')
    disk.full = true
    await expect(journal.append(began)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect(journal.begun.steps).toEqual([])
    disk.full = false
    await journal.append(began)
    expect(await readRun(worldOf(store), 'run-1')).toEqual(journal.begun)
  })
})
