/**
 * The bot as a systemd unit. What systemd says is read as data; where it does not answer, the state is unknown and never "no".
 * Stopping is done by systemd itself, because a bot that is killed behind its back is started again by `Restart=`.
 * The exit status of a clean end is known only while systemd keeps the unit loaded, as it does when the unit is enabled.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { DrError } from '../../errors.ts'
import type { BotLog, Service, ServiceState } from '../../ports/service.ts'
import { bootId } from '../proc/process-table.ts'
import type { Run } from '../process/run-command.ts'
import { decodeJournal, journalFields, linesOfLife, outsideJournal } from './journal-lines.ts'
import { decodeUnitFacts, isUnknownUnit, shownProperties, stateOfUnit, type UnitFacts } from './unit-facts.ts'

export interface SystemdServiceOptions {
  /** As systemctl takes it: `genesis-trading`, `bot@1.service`. */
  readonly unit: string
  /** How programs are run on the host whose systemd it is. */
  readonly run: Run
}

const askMs = 5000
const startMs = 60_000
const afterKillMs = 10_000
const pollMs = 50
// Chosen: a bot that cannot begin shows within a few hundred milliseconds, and RTO counts every one.
const settleMs = 300
// Where cgroup2 is mounted: alone, or beside the old hierarchies.
const cgroupRoots = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd']

export function systemdService(options: SystemdServiceOptions): Service {
  return {
    description: `systemd unit ${options.unit}`,
    state: () => stateOf(options),
    start: () => start(options),
    stop: (timeoutMs) => stop(options, timeoutMs),
    recentLog: async (count) => (count <= 0 ? { lines: [], gap: null } : recentLog(options, count)),
  }
}

/** @throws SERVICE_UNKNOWN */
async function stateOf(options: SystemdServiceOptions): Promise<ServiceState> {
  const facts = await ask(options)
  return typeof facts === 'string' ? unknownState(facts) : stateOfUnit(facts, await pidsOf(options, facts))
}

const unknownState = (because: string): ServiceState => ({ running: 'unknown', pids: [], because, exitStatus: null })

/** Facts of the unit, or the reason why there are none. @throws SERVICE_UNKNOWN */
async function ask({ unit, run }: SystemdServiceOptions): Promise<UnitFacts | string> {
  const { status, stdout, stderr } = await run('systemctl', ['show', '--no-pager', '-p', shownProperties.join(','), '--', unit], askMs)
  const facts = status === 0 ? decodeUnitFacts(stdout) : null
  if (facts === null) return `systemd does not answer: ${firstLine(stderr) || `systemctl show ended with ${status}`}`
  if (isUnknownUnit(facts)) throw unknownUnit(unit)
  return facts
}

/** Everything in the control group of the unit, nested groups included. */
async function pidsOf({ run }: SystemdServiceOptions, facts: UnitFacts): Promise<readonly number[]> {
  const main = Number(facts.MainPID) > 0 ? [Number(facts.MainPID)] : []
  if (facts.ControlGroup === '') return main
  const folders = cgroupRoots.map((root) => `${root}${facts.ControlGroup}`)
  // Not all of the folders are there, and a group may vanish meanwhile: what could be read is what counts, not the exit status.
  const { stdout } = await run('find', [...folders, '-name', 'cgroup.procs', '-exec', 'cat', '{}', '+'], askMs)
  const members = stdout
    .split('\n')
    .filter((line) => /^[1-9]\d*$/.test(line))
    .map(Number)
  return [...new Set([...main, ...members])].sort((a, b) => a - b)
}

async function start(options: SystemdServiceOptions): Promise<ServiceState> {
  const before = await ask(options)
  if (typeof before === 'string') throw notStarted(options.unit, before)
  if (before.ActiveState === 'active') return stateOf(options)
  // A unit that failed too often refuses to start until this is forgotten; and one that was stopped while it waited for a restart would go
  // on counting its restarts, so that what it said before would be taken for words of this life.
  await options.run('systemctl', ['reset-failed', '--', options.unit], askMs)
  const asked = await options.run('systemctl', ['start', '--no-ask-password', '--', options.unit], startMs)
  if (asked.status === 0) await pause(settleMs)
  const after = await ask(options)
  if (typeof after === 'string') throw notStarted(options.unit, after)
  const state = stateOfUnit(after, await pidsOf(options, after))
  if (after.ActiveState !== 'active')
    throw notStarted(options.unit, [state.because, firstLine(asked.stderr)].filter((part) => part !== '').join('; '))
  return state
}

async function stop(options: SystemdServiceOptions, timeoutMs: number): Promise<ServiceState> {
  const { unit, run } = options
  const before = await stateOf(options)
  if (isStopped(before)) return before
  // Not waited for: the time that systemd itself allows (TimeoutStopSec, 90 s by default) may be longer than ours.
  const asked = await run('systemctl', ['stop', '--no-block', '--no-ask-password', '--', unit], askMs)
  const gentle = await awaitStop(options, timeoutMs)
  if (isStopped(gentle)) return gentle
  const killed = await run('systemctl', ['kill', '--no-ask-password', '--signal=SIGKILL', '--', unit], askMs)
  const forced = await awaitStop(options, afterKillMs)
  if (isStopped(forced)) return forced
  const refusals = [asked, killed].map(({ stderr }) => firstLine(stderr)).filter((line) => line !== '')
  return { ...forced, because: [forced.because, ...refusals].join('; ') }
}

/** A unit may be inactive and leave processes behind (KillMode=process): those are not stopped. */
const isStopped = ({ running, pids }: ServiceState): boolean => running === 'no' && pids.length === 0

async function awaitStop(options: SystemdServiceOptions, timeoutMs: number): Promise<ServiceState> {
  const from = performance.now()
  for (;;) {
    const state = await stateOf(options)
    if (isStopped(state) || performance.now() - from >= timeoutMs) return state
    await pause(pollMs)
  }
}

async function recentLog(options: SystemdServiceOptions, count: number): Promise<BotLog> {
  const unknown = (gap: string): BotLog => ({ lines: [], gap })
  const facts = await ask(options)
  if (typeof facts === 'string') return unknown(facts)
  const elsewhere = outsideJournal(facts)
  if (elsewhere !== null) return unknown(elsewhere)
  const { unit, run } = options
  const fields = `--output-fields=${journalFields.join(',')}`
  const said = await run('journalctl', ['--no-pager', '-o', 'json', fields, '-n', String(count), '-u', unit], askMs)
  const lines = linesOfLife(decodeJournal(said.stdout), facts, bootId())
  if (said.status !== 0)
    return { lines: [], gap: `the journal cannot be read: ${firstLine(said.stderr) || `journalctl ended with ${said.status}`}` }
  // A user who may see a part of the journal only is told so, and gets that part.
  const hidden = said.stderr.includes('not seeing messages') && lines.length === 0
  return {
    lines: lines.slice(-count),
    gap: hidden ? 'this user may not read the journal of the system (add it to the group systemd-journal)' : null,
  }
}

const firstLine = (text: string): string => text.trim().split('\n')[0] ?? ''

function unknownUnit(unit: string): DrError {
  return new DrError('SERVICE_UNKNOWN', {
    what: `systemd on this host knows no unit ${unit}`,
    untouched: 'Nothing was stopped or started.',
    next: 'Correct `service: { systemd: ... }` in the configuration; `systemctl list-unit-files` shows the names.',
  })
}

function notStarted(unit: string, because: string): DrError {
  return new DrError('SERVICE_START_FAILED', {
    what: `the systemd unit ${unit} was started but does not run: ${because}`,
    untouched: 'The database and its replica were not touched.',
    next: `Look at \`systemctl status ${unit}\` and \`journalctl -u ${unit}\`, then start it again.`,
  })
}
