/** The end of a recovery by hand: its own halt latch is removed, and that of a person who stopped the bot stays. */
import { step } from '../runbook.ts'

export const releaseLatch = step({
  name: 'release-latch',
  phase: 'recovery',
  title: 'Allow operations',
  does: 'Removes the halt latch of this run; it starts nothing, and a latch of anybody else stays.',
  effect: { kind: 'idempotent', because: 'A latch that is gone stays gone.' },
  undo: { does: 'genesis-dr stop-trading' },
  needs: ['latch', 'unfinished'],
  foresee: async () => ({ outcome: 'skipped', because: 'would remove the halt latch of this run', evidence: {} }),
  async act({ latch, unfinished }, { runId, facts }) {
    await unfinished.clear()
    const standing = await latch.read()
    if (standing !== null) await latch.release(facts.stopped?.latchHolder ?? runId, standing)
    const left = await latch.read()
    const because =
      left === null
        ? 'no halt latch stands: the bot may be started'
        : `the halt latch of ${left.holder} stays (${left.reason}): genesis-dr resume-trading removes it`
    return { outcome: 'done', because, evidence: {} }
  },
})
