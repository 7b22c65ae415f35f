/** When a capture is ended for the sake of the bot. */
import { describe, expect, it } from 'vitest'
import type { CaptureSign } from '../ports/capture-watch.ts'
import { after, born, judge, lifeLimits } from './liveness.ts'

/** What is decided at `nowMs`, when the signs came at their times. */
function verdict(nowMs: number, ...told: readonly (readonly [number, CaptureSign])[]) {
  const signs = told.reduce((so, [atMs, sign]) => after(so, sign, atMs), born(0))
  return judge(signs, nowMs, lifeLimits)
}

describe('a capture', () => {
  it('that beats -> it is let be, and looked at again when it can be late at the soonest', () => {
    expect(verdict(9000, [8000, 'beat'])).toEqual({ do: 'wait', ms: 9001 })
  })
  it('that never gave a sign -> killed after 10 s', () => {
    expect(verdict(10_000).do).toBe('wait')
    expect(verdict(10_001)).toEqual({ do: 'kill', because: 'it gave no sign of life for 10.0 s (at most 10.0 s)' })
  })
  it('that wants the write lock, and then nothing is heard -> killed after 1 s', () => {
    expect(verdict(5500, [5000, 'lock-wanted'])).toEqual({ do: 'wait', ms: 501 })
    expect(verdict(6001, [5000, 'lock-wanted'])).toEqual({ do: 'kill', because: 'it kept writers waiting for 1.0 s (at most 1.0 s)' })
  })
  it('that beats while it holds the write lock -> killed all the same: the bot waits', () => {
    expect(verdict(6001, [5000, 'lock-wanted'], [5100, 'work-begun'], [5900, 'work-ended'], [5950, 'beat']).do).toBe('kill')
  })
  it('that gave the lock back -> let be', () => {
    expect(verdict(9000, [5000, 'lock-wanted'], [5500, 'lock-released']).do).toBe('wait')
  })
  it('in one long call for which nobody waits -> it is given a minute', () => {
    expect(verdict(40_000, [5000, 'work-begun']).do).toBe('wait')
    expect(verdict(65_001, [5000, 'work-begun']).do).toBe('kill')
    expect(verdict(40_000, [5000, 'work-begun'], [6000, 'work-ended']).do).toBe('kill')
  })
})
