/** A real little system for tests: a folder with a database, a writer that is not Node, a capture process, and restores of its replica. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { outputFiles } from '../../src/adapters/filesystem/output-file.ts'
import { type CaptureSettings, captureSettingsOf } from '../../src/compose-capture.ts'
import type { SystemSettings } from '../../src/compose-system.ts'
import { newestComplete, readCatalogue } from '../../src/replica/catalogue.ts'
import { planRestore } from '../../src/replica/plan.ts'
import { type Restored, restoreFile } from '../../src/restore/restore-file.ts'
import { MiB } from '../../src/units.ts'

export const repository = fileURLToPath(new URL('../../', import.meta.url))

export interface TestSystem {
  readonly folder: string
  readonly database: string
  readonly witness: string
  readonly replica: string
  readonly settings: SystemSettings
  /** Every process that was started and not ended; ended by `clear`. */
  readonly children: Set<ChildProcess>
  /** A command through which captures and writers are started, such as one that enters a namespace; none: empty. */
  readonly through: readonly string[]
}

export function makeSystem(over: Partial<SystemSettings> = {}): TestSystem {
  const folder = mkdtempSync(join(tmpdir(), 'genesis-dr-test-'))
  const database = join(folder, 'bot.db')
  const replica = join(folder, 'replica')
  return {
    folder,
    database,
    witness: join(folder, 'witness.jsonl'),
    replica,
    children: new Set(),
    through: [],
    settings: {
      name: 'test',
      database,
      replica: { url: `file:${replica}`, path: replica },
      stateFolder: join(folder, '.genesis'),
      captureFolder: join(folder, '.bot.db-dr'),
      service: null,
      checks: [],
      webhooks: [],
      stopTimeoutMs: 5000,
      flushIntervalMs: 50,
      scrubTurnMs: 3_600_000,
      walLimitBytes: 1024 * MiB,
      freeSpaceBytes: 0,
      logPatterns: ['malformed', 'not a database', 'disk I/O error'],
      integrity: 'quick',
      contacts: [],
      links: {},
      environment: process.env,
      ...over,
    },
  }
}

/** Ends what is left and removes the folder. */
export async function clear(system: TestSystem): Promise<void> {
  await endAll(system)
  rmSync(system.folder, { recursive: true, force: true })
}

export async function endAll(system: TestSystem): Promise<void> {
  for (const child of system.children) {
    child.kill('SIGKILL')
    await gone(child)
  }
}

export interface Capture {
  readonly process: ChildProcess
  /** Resolves when it is attached for the first time, or has ended. */
  readonly attached: Promise<void>
  /** Events so far, oldest first. */
  readonly events: { readonly type: string; readonly txid?: number; readonly do?: string; readonly because?: string }[]
  readonly errors: () => string
}

/** Resolves when the capture is attached, or has ended. */
export async function startCapture(system: TestSystem, over: Partial<CaptureSettings> = {}, ...words: readonly string[]): Promise<Capture> {
  const capture = spawnCapture(system, over, ...words)
  await capture.attached
  return capture
}

export function spawnCapture(system: TestSystem, over: Partial<CaptureSettings> = {}, ...words: readonly string[]): Capture {
  const settings = captureSettingsOf({ ...system.settings, ...over })
  const [program = '', ...command] = [...system.through, process.execPath, join(repository, 'src/entries/capture.ts'), ...words]
  const child = spawn(program, command, { stdio: 'pipe' })
  child.stdin.on('error', () => undefined)
  child.stdin.end(`${JSON.stringify(settings)}\n`)
  track(system, child)
  const events: Capture['events'] = []
  let errors = ''
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString()
  })
  const attached = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line)
      events.push(event)
      if (event.type === 'attached') resolve()
    })
  })
  return { process: child, attached, events, errors: () => errors }
}

/** The foreign writer, in python; resolves when its first commit is acknowledged. */
export const startWriter = (system: TestSystem, ...args: string[]): Promise<ChildProcess> => startProgram(system, 'writer.py', ...args)

/** One of test/writers. What it prints is there to be read. */
export async function startProgram(system: TestSystem, program: string, ...args: readonly string[]): Promise<ChildProcess> {
  const witnessBytes = (): number => statSync(system.witness, { throwIfNoEntry: false })?.size ?? 0
  const before = witnessBytes()
  const path = join(repository, 'test/writers', program)
  const [starts = '', ...command] = [...system.through, 'python3', path, '--db', system.database, '--witness', system.witness, ...args]
  const child = spawn(starts, command, { stdio: ['ignore', 'pipe', 'pipe'] })
  track(system, child)
  let errors = ''
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString()
  })
  child.stdout.resume()
  await until(() => witnessBytes() > before || child.exitCode !== null, `the first commit of the writer ${errors}`)
  return child
}

export interface WitnessLine {
  readonly seq: number
  readonly atMs: number
  readonly sum: number
}

export function witnessed(system: TestSystem): readonly WitnessLine[] {
  if (!existsSync(system.witness)) return []
  const text = readFileSync(system.witness, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

/** Restores the newest point of the newest complete timeline to a new file. */
export async function restoreNewest(system: TestSystem, name: string): Promise<Restored & { readonly path: string }> {
  const store = await openFolderStore('file:replica', system.replica)
  const timeline = newestComplete(await readCatalogue(store))
  const path = join(system.folder, name)
  return { ...(await restoreFile(store, planRestore(timeline.files, 'latest'), outputFiles, path)), path }
}

export function query(path: string, sql: string): Record<string, unknown> {
  const database = new DatabaseSync(`${path}`, { readOnly: true })
  try {
    return { ...database.prepare(sql).get() }
  } finally {
    database.close()
  }
}

export async function until(done: () => boolean | Promise<boolean>, what: string, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await done())) {
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${withinMs} ms`)
    await pause(10)
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

export async function end(system: TestSystem, child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  child.kill(signal)
  await gone(child)
  system.children.delete(child)
  return child.exitCode
}

function track(system: TestSystem, child: ChildProcess): void {
  system.children.add(child)
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  await new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
}
