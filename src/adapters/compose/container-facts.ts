/** What `docker compose ps` and `docker inspect` say of the containers of a service, read as data. Pure. Source: recorded of Docker 20.10.24. */
import type { ServiceState } from '../../ports/service.ts'

export interface ContainerFacts {
  readonly id: string
  /** created, running, paused, restarting, removing, exited or dead. */
  readonly status: string
  /** Of the last end; of one that has not ended yet 0. */
  readonly exitCode: number
  readonly outOfMemory: boolean
  /** ms since the epoch; null: it was never started. */
  readonly startedAtMs: number | null
  /** Of the last end; null: there was none. */
  readonly finishedAtMs: number | null
  /** By its restart policy, since it was started. */
  readonly restarts: number
  /** no, always, unless-stopped or on-failure. */
  readonly restartPolicy: string
}

/** Ids of the containers; null when the output is not a list of them. One object a line, or one array before version 2.21. */
export function decodeIds(output: string): readonly string[] | null {
  const values: unknown[] = []
  for (const line of output.split('\n').filter((text) => text.trim() !== '')) {
    const value = decodeJson(line)
    if (value === undefined) return null
    values.push(...(Array.isArray(value) ? value : [value]))
  }
  const ids = values.map((value) => textAt(value, 'ID'))
  return ids.includes('') ? null : ids
}

/** null when the output is not what `docker inspect` prints. */
export function decodeContainers(output: string): readonly ContainerFacts[] | null {
  const value = decodeJson(output)
  if (!Array.isArray(value)) return null
  const facts = value.map((one): ContainerFacts => {
    const state = at(one, 'State')
    return {
      id: textAt(one, 'Id'),
      status: textAt(state, 'Status'),
      exitCode: numberAt(state, 'ExitCode'),
      outOfMemory: at(state, 'OOMKilled') === true,
      startedAtMs: timeOf(textAt(state, 'StartedAt')),
      finishedAtMs: timeOf(textAt(state, 'FinishedAt')),
      restarts: numberAt(one, 'RestartCount'),
      restartPolicy: textAt(at(at(one, 'HostConfig'), 'RestartPolicy'), 'Name') || 'no',
    }
  })
  return facts.every(({ id, status }) => id !== '' && status !== '') ? facts : null
}

function decodeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? Object.getOwnPropertyDescriptor(value, key)?.value : undefined
const textAt = (value: unknown, key: string): string => {
  const found = at(value, key)
  return typeof found === 'string' ? found : ''
}
const numberAt = (value: unknown, key: string): number => Number(at(value, key) ?? 0)

/** A time that never was is shown as that of the year 1. */
function timeOf(text: string): number | null {
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) || atMs <= 0 ? null : atMs
}

// One that is paused has its files open; one that waits to be restarted is about to have.
const runningBy: Partial<Record<string, ServiceState['running']>> = {
  running: 'yes',
  paused: 'yes',
  restarting: 'yes',
  created: 'no',
  exited: 'no',
  dead: 'no',
}

/** By the container that was started last, unless another one runs. */
export function stateOfContainers(containers: readonly ContainerFacts[], pids: readonly number[]): ServiceState {
  const newest = newestOf(containers)
  if (newest === null) return { running: 'no', pids, because: 'no container of it was ever made', exitStatus: null }
  const states = containers.map(({ status }) => runningBy[status] ?? 'unknown')
  const running = (['yes', 'unknown', 'no'] as const).find((one) => states.includes(one)) ?? 'unknown'
  const ended = newest.status !== 'running' && newest.status !== 'paused' && newest.status !== 'created'
  const exitStatus = ended ? newest.exitCode : null
  const count = states.filter((one) => one === 'yes').length
  const concern = count > 1 ? { concern: `runs ${count} times at once: more than one bot trades` } : {}
  return { running, pids, because: sentenceFor(newest, exitStatus), exitStatus, restarts: newest.restarts, ...concern }
}

export function newestOf(containers: readonly ContainerFacts[]): ContainerFacts | null {
  return containers.toSorted((a, b) => (a.startedAtMs ?? 0) - (b.startedAtMs ?? 0)).at(-1) ?? null
}

function sentenceFor({ id, status, startedAtMs, outOfMemory, restarts }: ContainerFacts, exitStatus: number | null): string {
  const parts = [`container ${id.slice(0, 12)} is ${status}`]
  if (exitStatus === null && startedAtMs !== null) parts.push(`started at ${new Date(startedAtMs).toISOString()}`)
  if (exitStatus !== null) parts.push(exitStatus > 128 ? `ended by signal ${exitStatus - 128}` : `exited with status ${exitStatus}`)
  if (outOfMemory) parts.push('killed because memory was short')
  if (restarts > 0) parts.push(`restarted ${restarts} times`)
  return parts.join(', ')
}
