/** The only step that starts the bot, and only its own latch is removed for it. */
import { DrError, isDrError } from '../../errors.ts'
import { isPerson } from '../../latch-holder.ts'
import { formatTxid } from '../../ltx/txid.ts'
import type { HaltLatch, LatchFacts } from '../../ports/halt-latch.ts'
import type { Service } from '../../ports/service.ts'
import { drainedPosition } from '../drained-position.ts'
import { requireNobody, strangersOn } from '../holders.ts'
import { requireRestored } from '../require-restored.ts'
import type { RunFacts } from '../run-facts.ts'
import { type CaptureAccess, type RunbookPorts, type Scope, type StepResult, step } from '../runbook.ts'

/** Chosen: a bot that has not opened its database after 15 s is worth a look before anybody says "running". */
const openMs = 15_000

/** Chosen: an agent, or a person, who looks at a small database is through in less; another bot stays. */
const passingMs = 2000

const startedByHand: StepResult = {
  outcome: 'skipped',
  because: 'no service is configured: start the bot by hand',
  evidence: {},
  notProven: ['trading resumed'],
}

export const resumeTrading = step({
  name: 'resume-trading',
  phase: 'recovery',
  title: 'Resume operations',
  does: 'Looks that nobody else has the database open, removes the halt latch of this run, starts the service, and waits until it has the database open and goes on running; if it does not, it is stopped and latched again.',
  effect: { kind: 'idempotent', because: 'A latch that is gone stays gone, and a running service is left alone.' },
  undo: { does: 'genesis-dr stop-trading' },
  needs: ['service', 'latch', 'files', 'openFiles', 'capture', 'clock', 'unfinished'],
  async foresee({ service, latch }) {
    if (service === null) return startedByHand
    const standing = await latch.read()
    if (standing !== null && isPerson(standing.holder)) throw halted(standing)
    return { outcome: 'skipped', because: `would start ${service.description}`, evidence: {} }
  },
  async act(ports, scope) {
    const { service, latch } = ports
    const { runId, facts } = scope
    await requireRestored(ports, facts, scope.settings.database)
    if (service !== null) await requireNoOther({ ...ports, service }, scope)
    const standing = await latch.read()
    const holder = isPerson(runId) ? runId : (facts.stopped?.latchHolder ?? runId)
    // One may stand beside the database, of another configuration, and one of ours.
    for (let left = standing; left !== null; left = await latch.read())
      if ((await latch.release(holder, left)) === 'other') throw halted(await latch.read())
    if (service === null) {
      await ports.unfinished.clear()
      return startedByHand
    }
    const ranBefore = (await service.state()).running === 'yes'
    try {
      await service.start()
      const { because, pids } = await awaitOpen({ ...ports, service }, scope)
      // Set while the bot was started, by a person who saw it stopped.
      const again = await latch.read()
      if (again !== null) throw halted(again)
      await ports.unfinished.clear()
      return { outcome: 'done', because, evidence: { resumed: { proven: true, pids } } }
    } catch (error) {
      if (!isDrError(error) || (standing === null && ranBefore)) throw error
      // Whoever stopped it meanwhile latched it first, and that is why it did not run.
      const again = await latch.read()
      throw await stoppedAgain({ ...ports, service }, scope, standing, again === null ? error : halted(again))
    }
  },
})

type Ports = Pick<RunbookPorts, 'latch' | 'files' | 'openFiles' | 'capture' | 'clock'> & { readonly service: Service }

/** A second bot must not be started beside one that somebody else started. @throws DATABASE_IN_USE, HOLDERS_UNKNOWN */
async function requireNoOther({ service, ...ports }: Ports, { settings, facts, interrupted }: Scope): Promise<void> {
  const { database } = settings
  const { running, pids, concern } = await service.state()
  const deadline = ports.clock.monotonicMs() + passingMs
  for (;;) {
    const strangers = await strangersOn(ports, database)
    const processes = strangers.processes.filter(({ pid }) => !pids.includes(pid))
    if (processes.length === 0 || ports.clock.monotonicMs() > deadline) {
      const next = 'Stop it, then repeat: the bot is started when nobody else has the database open.'
      requireNobody({ ...strangers, processes }, database, next)
      break
    }
    await ports.clock.sleep(100)
  }
  // A bot that this step has started, and maybe not told of, commits as it should.
  if (!interrupted && running === 'no') await requireNoCommits(ports.capture, facts.protectedAs)
  if (concern === undefined) return
  throw new DrError('DATABASE_IN_USE', {
    what: `${service.description} ${concern}`,
    untouched: 'Nothing was started, and no latch was removed.',
    next: 'genesis-dr stop-trading stops all of them; then repeat.',
  })
}

/** Since the recovered database is protected, nobody was to write to it. @throws DATABASE_IN_USE */
async function requireNoCommits(capture: CaptureAccess, before: RunFacts['protectedAs'] | undefined): Promise<void> {
  const now = before === undefined ? null : await drainedPosition(capture)
  // What cannot be watched keeps nobody stopped: that nobody has the database open is proven.
  if (before === undefined || now === null || typeof now === 'string' || now.timeline !== before.timeline || now.txid <= before.txid) return
  throw new DrError('DATABASE_IN_USE', {
    what: `somebody commits to the recovered database: ${formatTxid(now.txid)} is beyond ${formatTxid(before.txid)}, where it was protected`,
    untouched: 'The bot was not started, and no latch was removed.',
    next: 'Find the process that opens it for an instant each time, and stop it; then: genesis-dr resume-trading',
  })
}

/** @throws SERVICE_START_FAILED */
async function awaitOpen({ service, clock, ...ports }: Ports, { settings }: Scope) {
  const deadline = clock.monotonicMs() + openMs
  for (;;) {
    const state = await service.state()
    const strangers = await strangersOn(ports, settings.database)
    const pids = strangers.processes.map((one) => one.pid)
    if (state.running === 'yes' && state.concern === undefined && pids.some((pid) => state.pids.includes(pid)))
      return { because: `${service.description} runs (${state.because}) and has the database open`, pids }
    if (state.running === 'no' || state.concern !== undefined || clock.monotonicMs() > deadline) {
      const why =
        state.running === 'no' ? `it ended: ${state.because}` : (state.concern ?? `it has not opened the database after ${openMs / 1000} s`)
      throw new DrError('SERVICE_START_FAILED', {
        what: `${service.description} was started, but ${why}`,
        untouched: 'The database was not touched.',
        next: `Look at the bot's log, then: genesis-dr resume-trading`,
      })
    }
    await clock.sleep(100)
  }
}

/** A start that failed leaves the bot as it was before: halted, and stopped, whatever was started of it. */
async function stoppedAgain(
  { service, latch, clock }: Ports,
  { runId, scenario, settings }: Scope,
  former: LatchFacts | null,
  error: DrError,
): Promise<DrError> {
  // By hand, and without a latch, there is nothing to set back; a run halts until it is finished.
  const back = former ?? (isPerson(runId) ? null : { holder: runId, reason: scenario, setAtMs: clock.wallMs() })
  const latched = await latchedAgain(latch, back)
  const after = await stopAgain(service, settings.stopTimeoutMs)
  return new DrError(error.code, {
    what: error.message,
    untouched: `${after}; ${latched}. The database is as it was before the start.`,
    next: error.next,
    cause: error,
  })
}

/** Whatever comes of it, the bot is stopped after it. */
async function latchedAgain(latch: HaltLatch, back: LatchFacts | null): Promise<string> {
  try {
    const standing = back === null ? await latch.read() : await latch.set(back)
    return standing === null ? 'no halt latch stands' : `the halt latch of ${standing.holder} stands`
  } catch (error) {
    if (!isDrError(error)) throw error
    return `the halt latch could not be set again (${error.message})`
  }
}

async function stopAgain(service: Service, timeoutMs: number): Promise<string> {
  try {
    const { running, because } = await service.stop(timeoutMs)
    return running === 'no' ? 'The bot is stopped again' : `The bot was told to stop again, and that is not proven (${because})`
  } catch (error) {
    if (!isDrError(error)) throw error
    return `The bot could not be stopped again (${error.message})`
  }
}

function halted(standing: LatchFacts | null): DrError {
  return new DrError('HALTED', {
    what: `a halt latch of ${standing?.holder ?? 'somebody else'} stands (${standing?.reason ?? 'unreadable'})`,
    untouched: 'The bot stays stopped, and its database as it is.',
    next: 'When that reason is gone: genesis-dr resume-trading',
  })
}
