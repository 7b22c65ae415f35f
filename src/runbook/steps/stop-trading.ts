/** Stop the bot, and prove it: nobody but the capture has the database open. */
import { DrError } from '../../errors.ts'
import { isPerson, unknownHolder } from '../../latch-holder.ts'
import { formatTxid } from '../../ltx/txid.ts'
import type { HaltLatch } from '../../ports/halt-latch.ts'
import type { Service } from '../../ports/service.ts'
import { drainedPosition } from '../drained-position.ts'
import { listed, requireNobody, strangersOn } from '../holders.ts'
import { requireReplaceable } from '../require-replaceable.ts'
import { type RunbookPorts, type RunSettings, type Scope, step } from '../runbook.ts'
import { untilSetAside } from '../set-aside.ts'
import { setLatch } from '../set-latch.ts'

/** Chosen: a process that was killed gives its files back within milliseconds; 5 s is for a machine in trouble. */
const releaseMs = 5000
/** Chosen: a bot that trades commits more than once a second, and a person who stops it can wait for one. */
const watchMs = 1000

export const stopTrading = step({
  name: 'stop-trading',
  phase: 'immediate',
  title: 'STOP all trading immediately',
  does: 'Looks whether the replica is of this database, and whether a restored file could keep owner, group and mode of it, sets the halt latch, stops the service (by force after its timeout), and waits until no process but the capture has the database open.',
  effect: { kind: 'idempotent', because: 'A latch that stands stays, and stopping what is stopped changes nothing.' },
  undo: { none: 'Only "resume trading", after all checks, starts the bot.' },
  needs: ['store', 'service', 'latch', 'files', 'outputs', 'openFiles', 'capture', 'clock'],
  expired: untilSetAside,
  async foresee({ store, service, files, outputs, openFiles, capture }, { runId, settings }) {
    if (!isPerson(runId)) await requireReplaceable({ store, files, openFiles, outputs, capture }, settings.database)
    const strangers = await strangersOn({ files, openFiles, capture }, settings.database)
    const nobody = strangers.complete ? 'nobody has the database open' : `it cannot be told who has the database open: ${strangers.because}`
    const open = strangers.processes.length === 0 ? nobody : `${listed(strangers.processes)} has the database open`
    if (service === null) {
      const because = `no service is configured, so the bot is stopped by hand; now ${open}`
      return { outcome: 'skipped', because, evidence: {}, notProven: ['trading stopped'] }
    }
    const state = await service.state()
    // What has the database open while the service does not run is not of it, and stopping the service does not end it.
    const other = state.running === 'no' && strangers.processes.length > 0
    const because = `would stop ${service.description} (${state.because}); now ${open}${other ? ', and is no process of it: this step would stop there' : ''}`
    return { outcome: 'skipped', because, evidence: {}, notProven: other ? ['trading stopped'] : [] }
  },
  async act({ store, service, latch, files, outputs, openFiles, capture, clock }, scope) {
    const { runId, settings } = scope
    // A person who stops the bot may have nothing else in mind.
    if (!isPerson(runId)) await requireReplaceable({ store, files, openFiles, outputs, capture }, settings.database)
    const ports = { files, openFiles, capture }
    const { database } = settings
    if (service === null) {
      const strangers = await strangersOn(ports, database)
      requireNobody(
        strangers,
        database,
        'Stop the bot by hand, then repeat. Or give "service:" in the configuration, so that it is stopped for you.',
      )
      const { holder: latchHolder, gap } = await setLatch(latch, scope, clock.wallMs())
      return {
        outcome: 'skipped',
        because: `no service is configured; nobody has the database open: ${strangers.because}${gap}`,
        evidence: { stopped: { proven: false, atMs: clock.wallMs(), pids: [], latchHolder } },
        notProven: ['trading stopped'],
      }
    }
    // Asked first: a service that is not known is refused before anything is done.
    const before = await service.state()
    const { holder: latchHolder, gap } = await setLatch(latch, scope, clock.wallMs())
    const stopped = await stopProven({ ...ports, service, clock }, settings, before.running === 'no')
    const standing = await latch.read()
    const heldBy = standing !== null && isPerson(standing.holder) && !isPerson(runId) ? standing.holder : null
    const held = heldBy === null ? '' : `; the halt latch of ${heldBy} stays, so that this run does not start the bot`
    const because = `${stopped}${held}${gap}`
    const unwatched = isPerson(runId) ? await standFirm({ ...ports, service, clock, latch }, scope) : null
    return {
      outcome: 'done',
      because: unwatched === null ? because : `${because}; whether somebody commits all the same was not watched: ${unwatched}`,
      evidence: { stopped: { proven: true, atMs: clock.wallMs(), pids: before.pids, latchHolder } },
      ...(unwatched === null ? {} : { notProven: ['nobody commits any more'] }),
    }
  },
})

type Ports = Pick<RunbookPorts, 'files' | 'openFiles' | 'capture' | 'clock'> & { readonly service: Service }

/** How it is known. `stood`: it did not run before. @throws SERVICE_STOP_UNPROVEN */
async function stopProven({ service, clock, ...ports }: Ports, settings: RunSettings, stood = false): Promise<string> {
  const { database, stopTimeoutMs } = settings
  const after = await service.stop(stopTimeoutMs)
  const deadline = clock.monotonicMs() + releaseMs
  let strangers = await strangersOn(ports, database)
  while (strangers.processes.length > 0 && clock.monotonicMs() < deadline) {
    await clock.sleep(50)
    strangers = await strangersOn(ports, database)
  }
  if (strangers.processes.length === 0 && strangers.complete && after.running === 'no')
    return `${service.description} is stopped (${after.because}); no process but the capture has the database open: ${strangers.because}`
  const left = strangers.processes.length > 0 ? `${listed(strangers.processes)} still has the database open` : strangers.because
  if (stood && after.running === 'no') {
    const first = 'Stop that process by hand; if it is the bot, give in "service:" what starts and stops it'
    throw unproven(`${service.description} did not run (${after.because}), but ${left}`, first)
  }
  throw unproven(`${service.description} was told to stop (${after.because}), but ${left}`, 'Stop that process by hand')
}

/**
 * Nobody looks after a person's stop, so it looks twice itself: whoever opens the database only for an instant is known by what they
 * commit, and a run that was about to remove its own latch may have removed this one, and started the bot. Why commits could not be watched;
 * null: they were, as far as a capture runs. @throws SERVICE_STOP_UNPROVEN
 */
async function standFirm(ports: Ports & { readonly latch: HaltLatch }, { runId, scenario, runs, settings }: Scope): Promise<string | null> {
  const { capture, clock, latch } = ports
  const first = await drainedPosition(capture)
  let unwatched = typeof first === 'string' ? first : null
  if (first !== null && typeof first !== 'string') {
    await clock.sleep(watchMs)
    const second = await drainedPosition(capture)
    if (typeof second === 'string') unwatched = second
    else if (second !== null && second.timeline === first.timeline && second.txid > first.txid) {
      throw unproven(
        `nobody has the database open, but it is committed to: from ${formatTxid(first.txid)} to ${formatTxid(second.txid)} within ${watchMs / 1000} s`,
        'Find the process that opens it for an instant each time, and stop it',
      )
    }
  }
  const standing = await latch.read()
  if (standing !== null && (isPerson(standing.holder) || standing.holder === unknownHolder)) return unwatched
  await setLatch(latch, { runId, scenario, runs }, clock.wallMs())
  await stopProven(ports, settings)
  return unwatched
}

function unproven(what: string, first: string): DrError {
  return new DrError('SERVICE_STOP_UNPROVEN', {
    what,
    untouched: 'The database was not touched; the halt latch stands.',
    next: `${first}, then repeat the command.`,
  })
}
