/** One check of a validation, and how checks are put together. Pure. */

export interface CheckResult {
  readonly check: string
  readonly outcome: 'pass' | 'fail' | 'not-configured'
  readonly observed: string
  readonly expected: string
}

export function passed(check: string, observed: string, expected: string): CheckResult {
  return { check, outcome: 'pass', observed, expected }
}

export function compared(check: string, observed: string, expected: string): CheckResult {
  return { check, outcome: observed === expected ? 'pass' : 'fail', observed, expected }
}

export function notConfigured(check: string, why: string): CheckResult {
  return { check, outcome: 'not-configured', observed: why, expected: '' }
}

/** "orders without a position: 3 instead of 0", for each that failed. */
export function failures(results: readonly CheckResult[]): string {
  return results
    .filter((result) => result.outcome === 'fail')
    .map((result) => `${result.check}: ${result.observed} instead of ${result.expected}`)
    .join('; ')
}

/** What could not be checked, each as it stands in what is not proven. */
export function unproven(results: readonly CheckResult[]): readonly string[] {
  return results.filter(({ outcome }) => outcome === 'not-configured').map(({ check, observed }) => `${check}: ${observed}`)
}
