/** One life of the capture whose calls are points (crash-child.ts), and a bot beside it in this process, which takes no lock patiently. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { captureClient } from '../../src/adapters/control/client.ts'
import { type CaptureSettings, captureSettingsOf } from '../../src/compose-capture.ts'
import type { CaptureControl } from '../../src/ports/capture-control.ts'
import { clear, end, makeSystem, pause, repository, type TestSystem } from './system.ts'

/** A database and whoever writes it. */
export interface Desk {
  readonly system: TestSystem
  readonly client: CaptureControl
  bot: DatabaseSync
}

export function makeDesk(pageSize: number): Desk {
  const system = makeSystem()
  const bot = new DatabaseSync(system.database, { timeout: 0 })
  bot.exec(
    `PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; BEGIN; CREATE TABLE t (n INTEGER PRIMARY KEY, x)`,
  )
  for (let row = 0; row < 20; row++) bot.exec('INSERT INTO t (x) VALUES (randomblob(9000))')
  bot.exec('COMMIT')
  return { system, bot, client: captureClient(system.settings.captureFolder) }
}

export async function clearDesk(desk: Desk): Promise<void> {
  desk.bot.close()
  await clear(desk.system)
}

export function openBot({ system }: Desk): DatabaseSync {
  const bot = new DatabaseSync(system.database, { timeout: 0 })
  bot.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF')
  return bot
}

/** 'busy' when somebody keeps writers waiting: a bot without patience tells so at once. */
export function commit({ bot }: Desk): 'committed' | 'busy' {
  try {
    bot.exec('INSERT INTO t (x) VALUES (randomblob(9000)); UPDATE t SET x = randomblob(500) WHERE n = 3')
    return 'committed'
  } catch (error) {
    if (error instanceof Error && error.message.includes('locked')) return 'busy'
    throw error
  }
}

export async function commitPatiently(desk: Desk): Promise<void> {
  while (commit(desk) === 'busy') await pause(1)
}

export interface Point {
  readonly point: string
  /** The write lock is asked for, held, or about to be known as given back: its supervisor waits for no more than a second. */
  readonly locking: boolean
}

export interface Life {
  readonly process: ChildProcess
  /** Every point so far, oldest first, where all are told. */
  readonly points: readonly Point[]
  /** What it said of its flushes: whoever saw it counts on it. */
  readonly flushed: readonly { readonly timeline: string; readonly txid: number }[]
  /** From now on its calls are points. */
  arm(): void
  /** Resolves when it has said `type` so many times, and at its end. */
  heard(type: string, times?: number): Promise<void>
  /** What `onStop` threw; null: nothing. */
  failure(): unknown
  /** Resolves when it is gone. */
  readonly ended: Promise<void>
}

/** `stops`: the points at which it suspends itself, of which `onStop` is told; null: none, and every point is told. */
export function live(
  { system }: Desk,
  stops: readonly string[] | null,
  onStop: (point: Point, process: ChildProcess) => void,
  over: Partial<CaptureSettings> = {},
): Life {
  const env = {
    ...process.env,
    GENESIS_TEST_FOLDER: system.folder,
    GENESIS_TEST_STOPS: JSON.stringify({ told: stops === null, stops: stops ?? [] }),
  }
  const child = spawn(process.execPath, [join(repository, 'test/support/crash-child.ts')], { stdio: ['pipe', 'pipe', 'pipe'], env })
  system.children.add(child)
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(captureSettingsOf({ ...system.settings, ...over }))}\n`)
  const points: Point[] = []
  const flushed: { timeline: string; txid: number }[] = []
  const counts = new Map<string, number>()
  let wake: (() => void)[] = []
  const news = (): void => {
    for (const one of wake.splice(0)) one()
  }
  child.stderr.on('data', (text: Buffer) => console.error(text.toString()))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line)
    if (said.type !== 'point') counts.set(said.type, (counts.get(said.type) ?? 0) + 1)
    else if (said.stop) stopped(said)
    else points.push({ point: said.point, locking: said.locking })
    if (said.type === 'flushed') flushed.push(said)
    news()
  })
  let failure: unknown = null
  const stopped = (point: Point): void => {
    try {
      // It tells before it stops; whoever wakes it too early wakes nobody.
      while (!isStopped(child)) {}
      onStop(point, child)
    } catch (error) {
      failure ??= error
      child.kill('SIGKILL')
    }
  }
  let gone = false
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      gone = true
      news()
      resolve()
    })
  })
  return {
    process: child,
    points,
    flushed,
    ended,
    failure: () => failure,
    arm: () => writeFileSync(join(system.folder, 'armed'), ''),
    heard: async (type, times = 1) => {
      while (!gone && (counts.get(type) ?? 0) < times) {
        await new Promise<void>((resolve) => {
          wake = [...wake, resolve]
        })
      }
    },
  }
}

function isStopped({ pid }: ChildProcess): boolean {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return ['T', 't', 'Z', 'X'].includes(text.slice(text.lastIndexOf(')') + 2)[0] ?? '')
}

export async function killLife({ system }: Desk, life: Life): Promise<void> {
  await end(system, life.process, 'SIGKILL')
  await life.ended
}
