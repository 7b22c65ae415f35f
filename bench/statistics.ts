/** Medians and percentiles. Pure. */
import { assert } from '../src/assert.ts'

/** The smallest value that `share` (0..1) of all are not above. */
export function percentile(values: readonly number[], share: number): number {
  assert(values.length > 0, 'there are values')
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

/** The middle one; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  assert(values.length > 0, 'there are values')
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length >> 1
  return ((sorted[middle] ?? 0) + (sorted[(sorted.length - 1) >> 1] ?? 0)) / 2
}

export function largest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY)
}
