/** A point-in-time recovery by hand begins when nobody has the database open; it stops nothing itself. */
import { requireNobody as require, strangersOn } from '../holders.ts'
import { step } from '../runbook.ts'
import { untilSetAside } from '../set-aside.ts'
import { setLatch } from '../set-latch.ts'

export const requireNobody = step({
  name: 'require-nobody',
  phase: 'immediate',
  title: 'Stop operations',
  does: 'Looks that no process but the capture has the database open, and sets the halt latch, so that it stays so; it stops nothing.',
  effect: { kind: 'idempotent', because: 'A latch that stands stays.' },
  undo: { does: 'genesis-dr resume-trading, or the last step of this run.' },
  needs: ['files', 'openFiles', 'capture', 'latch', 'clock'],
  expired: untilSetAside,
  foresee: (ports, scope) => look(ports, scope.settings.database),
  async act(ports, scope) {
    // Looked at first: a recovery that is refused halts nobody.
    const seen = await look(ports, scope.settings.database)
    const latchHolder = await setLatch(ports.latch, scope, ports.clock.wallMs())
    return { ...seen, evidence: { stopped: { proven: false, atMs: ports.clock.wallMs(), pids: [], latchHolder } } }
  },
})

async function look(ports: Parameters<typeof strangersOn>[0], database: string) {
  const strangers = await strangersOn(ports, database)
  require(strangers, database, 'Stop the bot (genesis-dr stop-trading), then repeat.')
  return { outcome: 'done' as const, because: `no process but the capture has the database open: ${strangers.because}`, evidence: {} }
}
