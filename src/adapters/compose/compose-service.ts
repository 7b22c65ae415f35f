/**
 * The bot as a service of `docker compose`. Stopping is done by docker itself, whose restart policy would start a bot that is killed behind
 * its back. Where docker runs its containers on another kernel than ours (a virtual machine, another host), nobody would ever be found who has
 * the database open: there a stop is not known. Tests replay what docker said when it was recorded, and ask a docker that runs where there is one.
 */
import { release } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { DrError } from '../../errors.ts'
import type { BotLog, LogLine, Service, ServiceState } from '../../ports/service.ts'
import type { Run, RunOutcome } from '../process/run-command.ts'
import { type ContainerFacts, decodeContainers, decodeIds, newestOf, stateOfContainers } from './container-facts.ts'

export interface ComposeServiceOptions {
  /** As the compose file names it. */
  readonly service: string
  /** The compose file, or the folder in which docker looks for one, and then in those above it; absolute. */
  readonly at: { readonly file: string } | { readonly folder: string }
  readonly run: Run
}

const askMs = 10_000
const startMs = 120_000
const afterKillMs = 10_000
// Chosen: a bot that cannot begin shows within a few hundred milliseconds, and RTO counts every one.
const settleMs = 300

export function composeService(options: ComposeServiceOptions): Service {
  return {
    description: `compose service ${options.service}`,
    caveat:
      'how docker compose stops and starts it is tested on recorded output; it was exercised with Docker 20.10.24 and Compose 2.32.4, not with the docker here',
    state: () => stateOf(options),
    start: () => start(options),
    stop: (timeoutMs) => stop(options, timeoutMs),
    recentLog: async (count) => (count <= 0 ? { lines: [], gap: null } : recentLog(options, count)),
  }
}

/** A container whose policy is "always" comes back with the next start of docker, also when it was stopped by hand. null: none is. */
export async function composeLatchGap(options: ComposeServiceOptions): Promise<string | null> {
  const containers = await find(options)
  if (typeof containers === 'string' || !containers.some(({ restartPolicy }) => restartPolicy === 'always')) return null
  return `a reboot, or a restart of docker, would start ${options.service} past a halt latch: write "restart: unless-stopped" instead of "always" into its compose file, then docker compose up --detach ${options.service}`
}

function compose({ at, run }: ComposeServiceOptions, words: readonly string[], timeoutMs: number): Promise<RunOutcome> {
  const place = 'file' in at ? ['--file', at.file] : ['--project-directory', at.folder]
  return run('docker', ['compose', ...place, ...words], timeoutMs)
}

/** Its containers, or the reason why nothing is known of them. @throws SERVICE_UNKNOWN */
async function find(options: ComposeServiceOptions): Promise<readonly ContainerFacts[] | string> {
  const { service, run } = options
  const listed = await compose(options, ['ps', '--all', '--format', 'json', service], askMs)
  if (listed.status !== 0) {
    if (/no such service|no configuration file|no such file/i.test(listed.stderr)) throw unknownService(options, lastLine(listed.stderr))
    return silent(listed)
  }
  const ids = decodeIds(listed.stdout)
  if (ids === null) return 'docker does not answer: docker compose ps prints something else than JSON'
  if (ids.length === 0) return []
  const inspected = await run('docker', ['inspect', '--type', 'container', ...ids], askMs)
  const containers = inspected.status === 0 ? decodeContainers(inspected.stdout) : null
  return containers ?? silent(inspected)
}

const silent = ({ status, stderr }: RunOutcome): string =>
  `docker does not answer: ${stderr.trim().split('\n')[0] || `it ended with ${status}`}`

/** Everything in its containers, as this host numbers it. */
async function pidsOf({ run }: ComposeServiceOptions, containers: readonly ContainerFacts[]): Promise<readonly number[]> {
  const pids = new Set<number>()
  for (const { id, status } of containers) {
    if (status !== 'running' && status !== 'paused') continue
    // One that ended meanwhile has none.
    const { stdout } = await run('docker', ['top', id, '-eo', 'pid'], askMs)
    for (const line of stdout.split('\n')) if (/^\s*[1-9]\d*\s*$/.test(line)) pids.add(Number(line))
  }
  return [...pids].sort((a, b) => a - b)
}

async function stateOf(options: ComposeServiceOptions): Promise<ServiceState> {
  const containers = await find(options)
  if (typeof containers === 'string') return { running: 'unknown', pids: [], because: containers, exitStatus: null }
  return stateOfContainers(containers, await pidsOf(options, containers))
}

async function start(options: ComposeServiceOptions): Promise<ServiceState> {
  const before = await find(options)
  if (typeof before === 'string') throw notStarted(options.service, before)
  if (before.some(({ status }) => status === 'running')) return stateOf(options)
  // What it depends on, and what its file says by now, is for a person: the container that was stopped is started.
  const asked = await compose(options, ['up', '--detach', '--no-deps', '--no-recreate', options.service], startMs)
  if (asked.status === 0) await pause(settleMs)
  const after = await find(options)
  if (typeof after === 'string') throw notStarted(options.service, after)
  const state = stateOfContainers(after, await pidsOf(options, after))
  if (after.some(({ status }) => status === 'running')) return state
  throw notStarted(
    options.service,
    [state.because, asked.status === 0 ? '' : lastLine(asked.stderr)].filter((part) => part !== '').join('; '),
  )
}

async function stop(options: ComposeServiceOptions, timeoutMs: number): Promise<ServiceState> {
  const state = await stopped(options, timeoutMs)
  const elsewhere = state.running === 'no' ? await onAnotherKernel(options) : null
  return elsewhere === null ? state : { ...state, running: 'unknown', because: `${state.because}, but ${elsewhere}` }
}

/** By its release: null when docker runs here, as far as that tells. */
async function onAnotherKernel({ run }: ComposeServiceOptions): Promise<string | null> {
  const { status, stdout, stderr } = await run('docker', ['info', '--format', '{{.KernelVersion}}'], askMs)
  if (status !== 0) return silent({ status, stdout, stderr })
  if (stdout.trim() === release()) return null
  return `docker runs on another kernel (${stdout.trim()}) than this host (${release()}), so that its processes cannot be looked into`
}

/** docker waits for whole seconds, then kills. */
async function stopped(options: ComposeServiceOptions, timeoutMs: number): Promise<ServiceState> {
  const before = await stateOf(options)
  if (before.running === 'no') return before
  const seconds = String(Math.ceil(timeoutMs / 1000))
  const asked = await compose(options, ['stop', '--timeout', seconds, options.service], timeoutMs + afterKillMs)
  const after = await stateOf(options)
  if (after.running === 'no') return after
  const killed = await compose(options, ['kill', options.service], afterKillMs)
  const forced = await stateOf(options)
  if (forced.running === 'no') return forced
  const refusals = [asked, killed].filter(({ status }) => status !== 0).map(({ stderr }) => lastLine(stderr))
  return { ...forced, because: [forced.because, ...refusals].join('; ') }
}

/** The first line of a life may be noted a moment before the time of its start: 0.14 ms were seen. Chosen: 50 ms; no container ends and starts so fast. */
const earlyMs = 50
/** Chosen: what a bot says of its end is in its last minute. When its life before an automatic restart began is not told. */
const lastWordsMs = 60_000

async function recentLog(options: ComposeServiceOptions, count: number): Promise<BotLog> {
  const unknown = (gap: string): BotLog => ({ lines: [], gap })
  const containers = await find(options)
  if (typeof containers === 'string') return unknown(containers)
  const newest = newestOf(containers)
  if (newest === null || newest.startedAtMs === null) return unknown('it was never started')
  const { restarts, startedAtMs, finishedAtMs } = newest
  const sinceMs = restarts > 0 && finishedAtMs !== null ? Math.min(startedAtMs, finishedAtMs) - lastWordsMs : startedAtMs - earlyMs
  const since = new Date(sinceMs).toISOString()
  const words = ['logs', '--no-color', '--no-log-prefix', '--timestamps', '--since', since, '--tail', String(count), options.service]
  const said = await compose(options, words, askMs)
  if (said.status !== 0) return unknown(silent(said))
  const lines = said.stdout.split('\n').flatMap(lineOf)
  // Output and errors come one after the other.
  return { lines: lines.toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0)).slice(-count), gap: null }
}

/** "2026-11-26T04:59:50.296853853Z text". */
function lineOf(line: string): readonly LogLine[] {
  const found = /^(\d{4}-\d\d-\d\dT\S+) (.*)$/.exec(line)
  const [, time = '', text = ''] = found ?? []
  return found === null ? [] : [{ text, atMs: Date.parse(time) }]
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''

function unknownService({ service, at }: ComposeServiceOptions, because: string): DrError {
  return new DrError('SERVICE_UNKNOWN', {
    what: `docker compose knows no service ${service} in ${'file' in at ? at.file : at.folder}: ${because}`,
    untouched: 'Nothing was stopped or started.',
    next: 'Correct `service: { compose: NAME, file: PATH }` in the configuration; `docker compose config --services` shows the names.',
  })
}

function notStarted(service: string, because: string): DrError {
  return new DrError('SERVICE_START_FAILED', {
    what: `the compose service ${service} was started but does not run: ${because}`,
    untouched: 'The database and its replica were not touched.',
    next: `Look at \`docker compose logs ${service}\`, then start it again.`,
  })
}
