/** The only step that starts the bot, and only its own latch is removed for it. */
import { DrError } from '../../errors.ts'
import { strangersOn } from '../holders.ts'
import { step } from '../runbook.ts'

/** Chosen: a bot that has not opened its database after 15 s is worth a look before anybody says "running". */
const openMs = 15_000

export const resumeTrading = step({
  name: 'resume-trading',
  phase: 'recovery',
  title: 'Resume operations',
  does: 'Removes the halt latch of this run, starts the service, and waits until it has the database open and goes on running.',
  effect: { kind: 'idempotent', because: 'A latch that is gone stays gone, and a running service is left alone.' },
  undo: { does: 'genesis-dr stop-trading' },
  needs: ['service', 'latch', 'files', 'openFiles', 'capture', 'clock'],
  async foresee({ service }) {
    if (service === null)
      return {
        outcome: 'skipped',
        because: 'no service is configured: start the bot by hand',
        evidence: {},
        notProven: ['trading resumed'],
      }
    return { outcome: 'skipped', because: `would start ${service.description}`, evidence: {} }
  },
  async act({ service, latch, files, openFiles, capture, clock }, { runId, facts, settings }) {
    const released = await latch.release(facts.stopped?.latchHolder ?? runId)
    if (released === 'other') {
      const standing = await latch.read()
      throw new DrError('HALTED', {
        what: `a halt latch of ${standing?.holder ?? 'somebody else'} stands (${standing?.reason ?? 'unreadable'})`,
        untouched: 'The database is recovered; the bot stays stopped.',
        next: 'When that reason is gone: genesis-dr resume-trading',
      })
    }
    if (service === null) {
      return {
        outcome: 'skipped',
        because: 'no service is configured: start the bot by hand',
        evidence: {},
        notProven: ['trading resumed'],
      }
    }
    await service.start()
    const deadline = clock.monotonicMs() + openMs
    for (;;) {
      const state = await service.state()
      const strangers = await strangersOn({ files, openFiles, capture }, settings.database)
      const pids = strangers.processes.map((one) => one.pid)
      if (state.running === 'yes' && pids.some((pid) => state.pids.includes(pid))) {
        return {
          outcome: 'done',
          because: `${service.description} runs (${state.because}) and has the database open`,
          evidence: { resumed: { proven: true, pids } },
        }
      }
      if (state.running === 'no' || clock.monotonicMs() > deadline) {
        throw new DrError('SERVICE_START_FAILED', {
          what: `${service.description} was started, but ${state.running === 'no' ? `it ended: ${state.because}` : `it has not opened the database after ${openMs / 1000} s`}`,
          untouched: 'The database is recovered and protected.',
          next: `Look at the bot's log, then: genesis-dr resume-trading`,
        })
      }
      await clock.sleep(100)
    }
  },
})
