/** What a run began with against what it would be gone on with now. Pure. */
import type { PlannedStep } from './record.ts'

/** Where the two part, as a sentence; null when they are the same. */
export function planDifference(then: readonly PlannedStep[], now: readonly PlannedStep[]): string | null {
  if (namesOf(then) !== namesOf(now)) return `its steps were ${namesOf(then)}; now they are ${namesOf(now)}`
  const changed = then.filter((step, at) => step.hash !== now[at]?.hash)
  return changed.length === 0 ? null : `${namesOf(changed)} did something else then`
}

function namesOf(plan: readonly PlannedStep[]): string {
  return plan.map((step) => step.name).join(', ')
}
