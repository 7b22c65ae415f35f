/** The third ledger. Until one is configured, the run says that it was not compared. */
import { exchangeNotCompared } from '../exchange.ts'
import { step } from '../runbook.ts'

export const reconcileExchange = step({
  name: 'reconcile-exchange',
  phase: 'recovery',
  title: 'Reconcile with exchange',
  does: 'Compares the restored database with the exchange. No exchange can be configured in this version, so it is listed as not proven.',
  effect: { kind: 'reads', because: 'It only reads.' },
  undo: { none: 'It only reads.' },
  needs: [],
  foresee: async () => exchangeNotCompared,
  act: async () => exchangeNotCompared,
})
