/** A run is gone on with by the steps that it began with, or not at all; and whoever is refused is told what differs. */
import { expect, it } from 'vitest'
import { planDifference } from './plan-difference.ts'

const plan = ['a', 'b', 'c'].map((name) => ({ name, hash: `${name} as it was` }))

it.each([
  ['nothing', plan, null],
  ['what a step does', plan.map((step) => (step.name === 'b' ? { ...step, hash: 'new' } : step)), 'b did something else then'],
  ['what two steps do', plan.map((step) => (step.name === 'b' ? step : { ...step, hash: 'new' })), 'a, c did something else then'],
  ['that a step is gone', plan.slice(0, 2), 'its steps were a, b, c; now they are a, b'],
  ['that steps changed places', plan.toReversed(), 'its steps were a, b, c; now they are c, b, a'],
])('the difference is %s -> told by the names of the steps', (_, now, difference) => {
  expect(planDifference(plan, now)).toBe(difference)
})
