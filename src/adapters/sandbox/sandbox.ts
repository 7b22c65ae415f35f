/**
 * A drill's own system in a temporary folder: a bot and a capture as real processes, on a real database.
 * If we die here: the bot and the capture are on our leash and end by themselves; the folder stays, under the system's one for temporary
 * files.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { extname } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { DrError, sentenceOf } from '../../errors.ts'
import type { Clock } from '../../ports/clock.ts'
import type { OpenFiles } from '../../ports/open-files.ts'
import type { Sandbox } from '../../ports/sandbox.ts'
import type { Service } from '../../ports/service.ts'
import { openDamageTarget } from '../filesystem/damage.ts'
import { type Environment, inheritedOf } from '../process/inherited.ts'

export interface SandboxOptions {
  readonly folder: string
  readonly database: string
  readonly witness: string
  readonly service: Service
  readonly openFiles: OpenFiles
  readonly clock: Clock
  /** What the capture process is told: becomes JSON. */
  readonly captureSettings: object
  /** Our own; the capture inherits it without our secrets. */
  readonly environment: Environment
}

const startMs = 15_000
/** Chosen: enough that the damage hits a bot at work, and soon. */
const warmUpCommits = 60

/** Programs of ours stand beside each other, as sources in a clone and as JavaScript in a package. */
export function entryPath(name: string): string {
  return fileURLToPath(new URL(`../../entries/${name}${extname(new URL(import.meta.url).pathname)}`, import.meta.url))
}

export function createSandbox(options: SandboxOptions): Sandbox {
  const { folder, database, witness, service, clock } = options
  const capture: { process: ChildProcess | null } = { process: null }
  const readWitness = async (): Promise<string> => (existsSync(witness) ? readFile(witness, 'utf8') : '')
  // One line is the start of the bot, each further one a commit.
  const lines = async (): Promise<number> => (await readWitness()).split('\n').length - 1
  const until = async (what: string, done: () => Promise<boolean>): Promise<void> => {
    const deadline = clock.monotonicMs() + startMs
    while (!(await done())) {
      if (clock.monotonicMs() > deadline) throw notStarted(`${what} did not happen within ${startMs / 1000} s`)
      await clock.sleep(20)
    }
  }
  return {
    readWitness,
    orderIds: async () => orderIdsIn(database),
    target: () => openDamageTarget(database),
    start: async () => {
      await service.start()
      await until('the first commit of the bot', async () => (await lines()) > 1)
      capture.process = await startCapture(options)
      const before = await lines()
      await until('the warm-up of the bot', async () => (await lines()) >= before + warmUpCommits)
    },
    teardown: async () => {
      const left: string[] = []
      try {
        const state = await service.stop(3000)
        if (state.running !== 'no') left.push(`the bot (${state.because})`)
      } catch (error) {
        left.push(`the bot (${sentenceOf(error)})`)
      }
      if (capture.process !== null && !(await ended(capture.process, clock))) left.push(`the capture, process ${capture.process.pid}`)
      try {
        await rm(folder, { recursive: true, force: true })
      } catch (error) {
        left.push(`the folder ${folder} (${sentenceOf(error)})`)
      }
      return { clean: left.length === 0, left }
    },
  }
}

function startCapture({ captureSettings, environment }: SandboxOptions): Promise<ChildProcess> {
  const child = spawn(process.execPath, [entryPath('capture'), '--leash'], { env: inheritedOf(environment), stdio: 'pipe' })
  // It may have ended already: its exit says more than the pipe that broke.
  child.stdin.on('error', () => undefined)
  // Not its end: that is the leash, which only our own end cuts.
  child.stdin.write(`${JSON.stringify(captureSettings)}\n`)
  return new Promise((resolve, reject) => {
    let errors = ''
    child.stderr.on('data', (text: Buffer) => {
      errors += text.toString()
    })
    child.on('exit', (status) => reject(notStarted(`the capture ended with status ${status}: ${errors.trim()}`)))
    // The lines go on being read, so that the capture never waits for a full pipe.
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"attached"')) resolve(child)
    })
  })
}

async function ended(child: ChildProcess, clock: Clock): Promise<boolean> {
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (child.exitCode !== null || child.signalCode !== null) return true
    child.kill(signal)
    for (let waited = 0; waited < 3000 && child.exitCode === null && child.signalCode === null; waited += 20) await clock.sleep(20)
  }
  return child.exitCode !== null || child.signalCode !== null
}

/** Nobody may have the database open: it is read without locks, and no file appears beside it. */
function orderIdsIn(path: string): ReadonlySet<string> {
  const url = pathToFileURL(path)
  url.search = '?mode=ro&immutable=1'
  const database = new DatabaseSync(url, { readOnly: true })
  try {
    return new Set(
      database
        .prepare('SELECT id FROM orders')
        .all()
        .map((row) => String(row['id'])),
    )
  } finally {
    database.close()
  }
}

function notStarted(what: string): DrError {
  return new DrError('DRILL_FAILED', {
    what,
    untouched: 'Only the isolated folder of the drill was used.',
    next: 'Repeat the drill with the same --seed.',
  })
}
