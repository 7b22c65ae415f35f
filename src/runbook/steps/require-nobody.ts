/** A point-in-time recovery by hand begins when nobody has the database open; it stops nothing itself. */
import { requireNobody as require, strangersOn } from '../holders.ts'
import { requireReplaceable } from '../require-replaceable.ts'
import { step } from '../runbook.ts'
import { untilSetAside } from '../set-aside.ts'
import { setLatch } from '../set-latch.ts'

export const requireNobody = step({
  name: 'require-nobody',
  phase: 'immediate',
  title: 'Stop operations',
  does: 'Looks that the replica is of this database, that a restored file could keep owner, group and mode of it, and that no process but the capture has it open, and sets the halt latch, so that it stays so; it stops nothing.',
  effect: { kind: 'idempotent', because: 'A latch that stands stays.' },
  undo: { does: 'genesis-dr resume-trading, or the last step of this run.' },
  needs: ['store', 'files', 'outputs', 'openFiles', 'capture', 'latch', 'clock'],
  expired: untilSetAside,
  foresee: (ports, scope) => look(ports, scope.settings.database),
  async act(ports, scope) {
    // Looked at first: a recovery that is refused halts nobody.
    const seen = await look(ports, scope.settings.database)
    const { holder: latchHolder, gap } = await setLatch(ports.latch, scope, ports.clock.wallMs())
    return {
      ...seen,
      because: `${seen.because}${gap}`,
      evidence: { stopped: { proven: false, atMs: ports.clock.wallMs(), pids: [], latchHolder } },
    }
  },
})

async function look(ports: Parameters<typeof strangersOn>[0] & Parameters<typeof requireReplaceable>[0], database: string) {
  await requireReplaceable(ports, database)
  const strangers = await strangersOn(ports, database)
  require(strangers, database, 'Stop the bot (genesis-dr stop-trading), then repeat.')
  return { outcome: 'done' as const, because: `no process but the capture has the database open: ${strangers.because}`, evidence: {} }
}
