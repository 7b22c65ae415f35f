/** How soon a capture looks again. */
import { expect, it } from 'vitest'
import { nextLookMs } from './cadence.ts'

const lookAfter = (flushIntervalMs: number, sinceFlushMs: number): number => nextLookMs({ flushIntervalMs, sinceFlushMs, soon: false })

it('a bot writes all the time -> looks every 20 ms, and one at the moment at which a flush is due', () => {
  expect([0, 20, 40, 49.2].map((since) => lookAfter(50, since))).toEqual([20, 20, 10, 1])
})

it('a flush is under way for longer than the interval, or nothing waited for it -> looks go on every 20 ms', () => {
  expect([50, 400, Infinity].map((since) => lookAfter(50, since))).toEqual([20, 20, 20])
})

it('each commit is to be flushed at once -> looks every 5 ms, not more often', () => {
  expect([lookAfter(0, 0), lookAfter(0, 100), lookAfter(2, 1), lookAfter(8, 100)]).toEqual([5, 5, 1, 8])
})

it('the log is about to begin anew -> its first commit is seen within 2 ms, whatever is due', () => {
  expect(nextLookMs({ flushIntervalMs: 50, sinceFlushMs: 0, soon: true })).toBe(2)
})
