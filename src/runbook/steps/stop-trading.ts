/** Stop the bot, and prove it: nobody but the capture has the database open. */
import { DrError } from '../../errors.ts'
import type { HaltLatch } from '../../ports/halt-latch.ts'
import { listed, requireNobody, strangersOn } from '../holders.ts'
import { step } from '../runbook.ts'

/** Chosen: a process that was killed gives its files back within milliseconds; 5 s is for a machine in trouble. */
const releaseMs = 5000

export const stopTrading = step({
  name: 'stop-trading',
  phase: 'immediate',
  title: 'STOP all trading immediately',
  does: 'Sets the halt latch, stops the service (by force after its timeout), and waits until no process but the capture has the database open.',
  effect: { kind: 'idempotent', because: 'A latch that stands stays, and stopping what is stopped changes nothing.' },
  undo: { none: 'Only "resume trading", after all checks, starts the bot.' },
  needs: ['service', 'latch', 'files', 'openFiles', 'capture', 'clock'],
  async foresee({ service, files, openFiles, capture }, { settings }) {
    const strangers = await strangersOn({ files, openFiles, capture }, settings.database)
    const open = strangers.processes.length === 0 ? 'nobody has the database open' : `${listed(strangers.processes)} has the database open`
    if (service === null) {
      const because = `no service is configured, so the bot is stopped by hand; now ${open}`
      return { outcome: 'skipped', because, evidence: {}, notProven: ['trading stopped'] }
    }
    const state = await service.state()
    return { outcome: 'skipped', because: `would stop ${service.description}, which is ${state.because}; now ${open}`, evidence: {} }
  },
  async act({ service, latch, files, openFiles, capture, clock }, { runId, scenario, settings }) {
    const ports = { files, openFiles, capture }
    const { database } = settings
    if (service === null) {
      const strangers = await strangersOn(ports, database)
      requireNobody(
        strangers,
        database,
        'Stop the bot by hand, then repeat. Or give "service:" in the configuration, so that it is stopped for you.',
      )
      const latchHolder = await setLatch(latch, runId, scenario, clock.wallMs())
      return {
        outcome: 'skipped',
        because: 'no service is configured; nobody has the database open',
        evidence: { stopped: { proven: false, atMs: clock.wallMs(), pids: [], latchHolder } },
        notProven: ['trading stopped'],
      }
    }
    // Asked first: a service that is not known is refused before anything is done.
    const before = await service.state()
    const latchHolder = await setLatch(latch, runId, scenario, clock.wallMs())
    const after = await service.stop(settings.stopTimeoutMs)
    const deadline = clock.monotonicMs() + releaseMs
    let strangers = await strangersOn(ports, database)
    while (strangers.processes.length > 0 && clock.monotonicMs() < deadline) {
      await clock.sleep(50)
      strangers = await strangersOn(ports, database)
    }
    if (strangers.processes.length > 0 || !strangers.complete || after.running !== 'no') {
      const left = strangers.processes.length > 0 ? `${listed(strangers.processes)} still has the database open` : strangers.because
      throw new DrError('SERVICE_STOP_UNPROVEN', {
        what: `${service.description} was told to stop (${after.because}), but ${left}`,
        untouched: 'The database was not touched; the halt latch stands.',
        next: 'Stop that process by hand, then repeat the command.',
      })
    }
    return {
      outcome: 'done',
      because: `${service.description} is stopped (${after.because}); no process but the capture has the database open`,
      evidence: { stopped: { proven: true, atMs: clock.wallMs(), pids: before.pids, latchHolder } },
    }
  },
})

/** The latch of a run that ended before us becomes ours: only one run is executed at a time. That of a person stays theirs. */
async function setLatch(latch: HaltLatch, runId: string, reason: string, setAtMs: number): Promise<string> {
  const standing = await latch.set({ holder: runId, reason, setAtMs })
  return standing.holder.startsWith('person:') ? runId : standing.holder
}
