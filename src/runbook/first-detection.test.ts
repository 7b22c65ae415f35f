/** A run that failed, and one after it that recovers: the time of the recovery counts from when the first one noticed. */
import { describe, expect, it } from 'vitest'
import { smallSystem } from '../../test/support/small-runbook.ts'
import type { LatchFacts } from '../ports/halt-latch.ts'
import { Journal } from '../workflow/journal.ts'
import { firstDetection } from './first-detection.ts'
import type { RunbookPorts } from './runbook.ts'

const scenario = 'DATABASE_CORRUPTION'
const byPerson = { detectedAtMs: 9000, detectedBecause: 'a person started it' }

async function detection(holder: string | null, failed: { readonly scenario: string; readonly atMs: number } | null) {
  const { world } = smallSystem()
  if (failed !== null) {
    const journal = await Journal.open(world.journal, 'run-1')
    const about = { scenario: failed.scenario, mode: 'live', system: 'genesis', options: {}, plan: [] } as const
    await journal.append({ type: 'run-started', ...about, detectedAtMs: failed.atMs, detectedBecause: 'a person started it' })
    await journal.append({ type: 'run-ended', state: 'failed', because: 'no good point', result: {} })
  }
  const standing: LatchFacts | null = holder === null ? null : { holder, reason: 'R', setAtMs: 1000 }
  const latch = { read: async () => standing } as RunbookPorts['latch']
  return firstDetection({ journal: world.journal, ports: { ...world.ports, latch } }, scenario, 9000)
}

describe('when the trouble of a run was noticed', () => {
  it('no latch stands, or that of a person, or of nobody known -> now', async () => {
    for (const holder of [null, 'person:ann', 'run-7']) expect(await detection(holder, { scenario, atMs: 500 })).toEqual(byPerson)
  })

  it('the latch of a failed run of the same runbook stands -> when that one noticed it, and it is named', async () => {
    expect(await detection('run-1', { scenario, atMs: 500 })).toEqual({
      detectedAtMs: 500,
      detectedBecause: 'run run-1 noticed it, and did not recover: a person started it',
    })
  })

  it('the clock was set back since -> now', async () => {
    expect(await detection('run-1', { scenario, atMs: 10_000 })).toMatchObject({ detectedAtMs: 9000 })
  })

  it('it was the run of another runbook -> now', async () => {
    expect(await detection('run-1', { scenario: 'RECOVER', atMs: 500 })).toEqual(byPerson)
  })
})
