/** The third ledger. Until one is configured, the run says that it was not compared. */
import { step } from '../runbook.ts'

export const reconcileExchange = step({
  name: 'reconcile-exchange',
  phase: 'recovery',
  title: 'Reconcile with exchange',
  does: 'Compares the restored database with the exchange. No exchange can be configured in this version, so it is listed as not proven.',
  repeat: 'It only reads.',
  undo: 'None is needed: it only reads.',
  needs: [],
  foresee: async () => notCompared,
  act: async () => notCompared,
})

const notCompared = {
  outcome: 'skipped' as const,
  because: 'no exchange is configured; compare positions and open orders by hand before you rely on them',
  evidence: {},
  notProven: ['exchange'],
}
