/** A recovery in place is made again from its journal: the same steps, by the same words, and the command that goes on with it. */
import { describe, expect, it } from 'vitest'
import { smallSystem } from '../../../test/support/small-runbook.ts'
import type { PointTarget } from '../choose-point.ts'
import { planOf } from '../execute.ts'
import { decodeRecoverOptions, recoverCommand, recoverInPlace } from './recover.ts'

const { world } = smallSystem()
const targets: readonly (readonly [PointTarget, string])[] = [
  [{ kind: 'latest' }, ''],
  [{ kind: 'last-good' }, ' --last-good'],
  [{ kind: 'txid', txid: 0x12af }, ' --txid 00000000000012af'],
  [{ kind: 'time', epochMs: Date.UTC(2025, 0, 1, 12, 0, 0, 7) }, ' --timestamp 2025-01-01T12:00:00.007Z'],
]

describe('what a journal says of a recovery', () => {
  it.each(targets)('%j -> the same steps again, and its command', (target, words) => {
    for (const timeline of [null, '0000000a']) {
      const runbook = recoverInPlace({ timeline, target })
      const options = decodeRecoverOptions(JSON.parse(JSON.stringify(runbook.options)))
      expect(options).toEqual({ timeline, target })
      expect(planOf(world, recoverInPlace(options))).toEqual(planOf(world, runbook))
      expect(recoverCommand(runbook.options)).toBe(`genesis-dr recover${words}${timeline === null ? '' : ' --timeline 0000000a'}`)
    }
  })

  it('another point, or another timeline -> another plan, so that nobody goes on with the wrong one', () => {
    const all = targets.flatMap(([target]) => [null, '0000000a', '0000000b'].map((timeline) => ({ timeline, target })))
    expect(new Set(all.map((options) => JSON.stringify(planOf(world, recoverInPlace(options))))).size).toBe(all.length)
  })
})
