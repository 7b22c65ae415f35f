/** A point-in-time recovery by hand begins when nobody has the database open; it stops nothing itself. */
import { requireNobody as require, strangersOn } from '../holders.ts'
import { step } from '../runbook.ts'

export const requireNobody = step({
  name: 'require-nobody',
  phase: 'immediate',
  title: 'Stop operations',
  does: 'Looks that no process but the capture has the database open; it stops nothing.',
  effect: { kind: 'reads', because: 'It only looks.' },
  undo: { none: 'It only looks.' },
  needs: ['files', 'openFiles', 'capture'],
  foresee: (ports, scope) => look(ports, scope.settings.database),
  act: (ports, scope) => look(ports, scope.settings.database),
})

async function look(ports: Parameters<typeof strangersOn>[0], database: string) {
  require(await strangersOn(ports, database), database, 'Stop the bot (genesis-dr stop-trading), then repeat.')
  return { outcome: 'done' as const, because: 'no process but the capture has the database open', evidence: {} }
}
