/** The third ledger, as long as none can be configured: what only an exchange can tell is listed, and said to be not proven. Pure. */
import { type CheckResult, notConfigured } from './check-result.ts'
import type { StepResult } from './runbook.ts'

/** As it stands in what is not proven. */
export const exchangeNotProven = 'exchange'

/** Listed so that nobody takes them for checked. */
export const exchangeChecks: readonly CheckResult[] = ['position counts match', 'account balances', 'order states'].map((check) =>
  notConfigured(check, 'no exchange is configured to compare with'),
)

export const exchangeNotCompared: StepResult = {
  outcome: 'skipped',
  because: 'no exchange is configured; compare positions and open orders by hand before you rely on them',
  evidence: {},
  notProven: [exchangeNotProven],
}
