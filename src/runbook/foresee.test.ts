/** A dry run looks through every step, changes nothing, and its exit status is that of the first step which could not be done. */
import { describe, expect, it } from 'vitest'
import { ended, smallRunbook, smallStep, smallSystem } from '../../test/support/small-runbook.ts'
import { DrError, type ErrorCode } from '../errors.ts'
import type { RunEvent } from '../workflow/run.ts'
import { foresee } from './foresee.ts'
import { exitOf, type RunResult } from './result.ts'
import type { Runbook, Step } from './runbook.ts'

const throwing = (name: string, error: Error): Step => smallStep(name, { foresee: () => Promise.reject(error) })
const refused = (name: string, code: ErrorCode): Step => throwing(name, new DrError(code, { what: code, untouched: 'All.', next: 'Wait.' }))
const good = (name: string): Step => smallStep(name, { act: () => Promise.reject(new Error('a dry run acts')) })
const failing = (name: string, outcome: 'failed' | 'unknown'): Step => smallStep(name, { foresee: async () => ended(outcome) })

async function look(
  steps: readonly Step[],
  over: Partial<Runbook> = {},
  onEvent: (event: RunEvent) => void = () => {},
): Promise<RunResult> {
  const { world } = smallSystem()
  const now = world.journal.clock.wallMs()
  const about = { detectedAtMs: now, detectedBecause: 'a person asks', signal: new AbortController().signal }
  const result = await foresee(world, { runbook: smallRunbook(steps, over), onEvent, ...about })
  expect(await world.journal.store.list()).toEqual([])
  return result
}

describe('a dry run', () => {
  it('every step could be done -> each says what it would do, no journal is written, and nothing is measured', async () => {
    const events: string[] = []
    const result = await look([good('a'), good('b')], {}, (event) =>
      events.push('step' in event ? `${event.type} ${event.step}` : event.type),
    )
    expect(result).toMatchObject({
      mode: 'dry-run',
      success: true,
      because: 'dry run: nothing was changed, and every step could be looked through',
      recoveryTimeMs: null,
      rtoMet: null,
      dataLossMs: null,
      rpoMet: null,
      steps: [
        { name: 'a', outcome: 'skipped', because: 'would do a' },
        { name: 'b', outcome: 'skipped', because: 'would do b' },
      ],
    })
    expect(events).toEqual(['run-started', 'step-began a', 'step-ended a', 'step-began b', 'step-ended b'])
    expect(exitOf(result)).toBe(0)
  })

  it('some steps could not be done -> those after them are looked at all the same, and all are named', async () => {
    const result = await look([good('a'), refused('b', 'HALTED'), good('c'), refused('d', 'STORE_UNAVAILABLE')])
    expect(result.steps.map(({ outcome }) => outcome)).toEqual(['skipped', 'failed', 'skipped', 'unknown'])
    expect(result).toMatchObject({
      success: false,
      because: 'would not recover as things are: b: HALTED; d: STORE_UNAVAILABLE',
    })
  })

  it('a step meets a bug of ours -> that is thrown, not told as something that the system lacks', async () => {
    await expect(look([throwing('a', new TypeError('x is undefined'))])).rejects.toBeInstanceOf(TypeError)
  })

  it.each<[string, readonly Step[], number]>([
    ['in the middle is refused by a safety rule', [good('a'), refused('b', 'DATABASE_IN_USE'), good('c')], 4],
    ['in the middle lacks what is configured', [good('a'), refused('b', 'SERVICE_UNKNOWN'), good('c')], 2],
    ['in the middle cannot be told', [good('a'), refused('b', 'HOLDERS_UNKNOWN'), good('c')], 3],
    ['in the middle says that it is not known', [failing('a', 'unknown'), good('b')], 3],
    ['in the middle would fail', [good('a'), refused('b', 'NO_GOOD_POINT'), good('c')], 1],
    ['in the middle says that it would fail', [failing('a', 'failed'), good('b')], 1],
    ['is refused, and a later one cannot be told', [refused('a', 'DATABASE_IN_USE'), refused('b', 'STORE_UNAVAILABLE')], 4],
    ['cannot be told, and a later one is refused', [refused('a', 'STORE_UNAVAILABLE'), refused('b', 'DATABASE_IN_USE')], 3],
  ])('a step %s -> its exit status', async (_, steps, exit) => {
    expect(exitOf(await look(steps))).toBe(exit)
  })
})

describe('what a dry run says of the fault', () => {
  const probe = (title: string, found: boolean | null): Runbook['detectedWhen'][number] => ({
    name: title,
    title,
    asks: 'nobody',
    needs: [],
    look: async () => ({ found, because: `it is ${found}` }),
  })
  const silent: Runbook['detectedWhen'][number] = {
    ...probe('crashes', null),
    look: () => Promise.reject(new DrError('SERVICE_UNKNOWN', { what: 'no such unit', untouched: 'All.', next: 'Wait.' })),
  }

  it.each([
    ['a probe finds damage', [probe('integrity', true), silent], 'detected now: integrity: it is true'],
    ['none does', [probe('integrity', false), probe('queries', false)], 'no probe detects damage now'],
    [
      'none does, and one cannot tell',
      [probe('integrity', false), silent],
      'no probe detects damage now, but it cannot be told of: crashes: no such unit',
    ],
  ])('%s -> that, with which', async (_, detectedWhen, said) => {
    expect((await look([good('a')], { detectedWhen })).because).toBe(
      `dry run: nothing was changed, and every step could be looked through; ${said}`,
    )
  })
})
