/** The programs that copy the database while it is written: ours, and Litestream as a peer. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { captureClient } from '../src/adapters/control/client.ts'
import { inRepository, type Started, start } from './processes.ts'

export interface Copier {
  readonly name: string
  /** How long after the last commit everything is surely in the replica. */
  readonly settleMs: number
  /** Resolves when it follows the database. */
  start(place: Place): Promise<Copying>
}

export interface Place {
  readonly folder: string
  readonly database: string
  readonly replica: string
}

export interface Copying {
  /** What is told to end. */
  readonly process: Started
  /** The process that copies. */
  readonly capturePid: number
  /** null: nobody supervises it. */
  readonly supervisorPid: number | null
  /** Where the file of each flush appears. */
  readonly flushes: string
  /** When the program itself said that a file is durable, ms since the epoch; null for one that does not say it. */
  readonly durableMs: ReadonlyMap<string, number> | null
  /** How long each checkpoint kept writers waiting, in ms. */
  readonly heldMs: readonly number[]
}

/** As a user starts it: a supervisor, and the capture that it keeps alive. */
export function genesis(flushIntervalMs: number): Copier {
  return {
    name: flushIntervalMs === defaultFlushMs ? 'genesis-dr' : `genesis-dr (flushInterval ${flushIntervalMs})`,
    settleMs: 300,
    start: async (place) => {
      const durableMs = new Map<string, number>()
      const heldMs: number[] = []
      let attached = false
      const onLine = (line: string): void => {
        const event = JSON.parse(line)
        if (event.type === 'attached') attached = true
        if (event.type === 'flushed') durableMs.set(`${event.txid}-${event.txid}.ltx`, Date.now())
        if (event.type === 'checkpointed') heldMs.push(event.heldMs)
      }
      const config = join(place.folder, 'genesis-dr.yaml')
      // JSON is YAML.
      writeFileSync(config, JSON.stringify({ database: place.database, replica: `file:${place.replica}`, flushInterval: flushIntervalMs }))
      const supervisor = start(process.execPath, [inRepository('src/entries/cli.ts'), 'replicate', '--json', '--config', config], onLine)
      await reached(() => attached, supervisor)
      const { pid } = await captureClient(captureFolderOf(place)).position()
      const flushes = flushFolder(join(place.replica, '00000001/ltx/0'))
      return { process: supervisor, capturePid: pid, supervisorPid: supervisor.pid, flushes, durableMs, heldMs }
    },
  }
}

/** The default of the settings. */
export const defaultFlushMs = 50

export const captureFolderOf = ({ database }: Place): string => join(dirname(database), `.${basename(database)}-dr`)

/** `intervalMs`: null for its own default of a second. */
export function litestream(binary: string, intervalMs: number | null): Copier {
  return {
    name: `litestream ${intervalMs === null ? '(default)' : `(${intervalMs} ms)`}`,
    settleMs: 2500,
    start: async ({ folder, database, replica }) => {
      const config = join(folder, 'litestream.yml')
      const every = intervalMs === null ? {} : { 'monitor-interval': `${intervalMs}ms` }
      const sync = intervalMs === null ? {} : { 'sync-interval': `${intervalMs}ms` }
      writeFileSync(config, JSON.stringify({ dbs: [{ path: database, ...every, replica: { type: 'file', path: replica, ...sync } }] }))
      const started = start(binary, ['replicate', '-config', config])
      const level0 = join(replica, 'ltx/0')
      await reached(() => existsSync(level0) && readdirSync(level0).length > 0, started)
      return { process: started, capturePid: started.pid, supervisorPid: null, flushes: flushFolder(level0), durableMs: null, heldMs: [] }
    },
  }
}

/** There before the first flush, so that it can be watched from the first one on. */
function flushFolder(path: string): string {
  mkdirSync(path, { recursive: true })
  return path
}

async function reached(done: () => boolean, started: Started): Promise<void> {
  let status: number | string | null = null
  started.ended.then(
    (ended) => {
      status = ended
    },
    (error: unknown) => {
      status = String(error)
    },
  )
  for (const deadline = performance.now() + 120_000; !done(); await pause(20)) {
    if (status !== null) throw new Error(`the copier ended with ${status}: ${started.errors()}`)
    if (performance.now() > deadline) throw new Error(`the copier was not ready within two minutes: ${started.errors()}`)
  }
}
