/** Processes of a benchmark: started, measured from /proc, and all of them ended whatever happens. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { must } from '../src/assert.ts'

export const inRepository = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

const alive = new Set<ChildProcess>()

export interface Started {
  readonly pid: number
  /** Resolves when it has ended: its status, or the signal that ended it. */
  readonly ended: Promise<number | string>
  readonly errors: () => string
  signal(name: NodeJS.Signals): void
}

/** `input`: what it finds on stdin, to the end. */
export function start(command: string, args: readonly string[], onLine: (line: string) => void = () => {}, input = ''): Started {
  const child = spawn(command, args, { stdio: 'pipe' })
  // It need not read it, and may end before it does.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  alive.add(child)
  let errors = ''
  child.stderr.on('data', (text: Buffer) => {
    // Enough to say what went wrong: a peer's log may be long.
    errors = (errors + text.toString()).slice(-2000)
  })
  createInterface({ input: child.stdout }).on('line', onLine)
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status, signal) => {
      alive.delete(child)
      resolve(status ?? signal ?? 'ended')
    })
  })
  return { pid: must(child.pid, `${command} was started`), ended, errors: () => errors, signal: (name) => child.kill(name) }
}

/** What it printed. @throws Error when it did not end with 0 */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  const lines: string[] = []
  const started = start(command, args, (line) => lines.push(line))
  const status = await started.ended
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${started.errors()}`)
  return lines.join('\n')
}

/** How long it took, in ms. @throws Error when it did not end with 0 */
export async function timeOf(command: string, ...args: readonly string[]): Promise<number> {
  const began = performance.now()
  await run(command, ...args)
  return performance.now() - began
}

/** Ended with SIGTERM, and with SIGKILL when that was not enough in 10 s. */
export async function end(started: Started): Promise<void> {
  started.signal('SIGTERM')
  const given = new AbortController()
  const patience = pause(10_000, undefined, { signal: given.signal }).then(
    () => started.signal('SIGKILL'),
    () => undefined,
  )
  await started.ended
  given.abort()
  await patience
}

export function killAll(): void {
  for (const child of alive) child.kill('SIGKILL')
}

/** Linux counts processor time in ticks of 10 ms (USER_HZ) for every program that asks. */
const tickMs = 10

/** Processor time of a process since its start, all threads, in ms. */
export function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}

/** What it returns tells the share of one core that the process took since now. */
export function cpuShare(pid: number): () => number {
  const [before, beganMs] = [cpuMs(pid), performance.now()]
  return () => (cpuMs(pid) - before) / (performance.now() - beganMs)
}

/** `VmRSS`: resident now. `VmHWM`: the most it ever was. In bytes. */
export function memoryOf(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${what}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024
}
