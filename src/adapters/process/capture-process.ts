/**
 * Starts a capture as a process on our leash, and hears its life signs. In a session of its own: Ctrl-C on the terminal asks us, and we ask
 * the capture.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Readable, type Writable } from 'node:stream'
import { DrError, isErrorCode } from '../../errors.ts'
import type { DrainOutcome } from '../../ports/capture-control.ts'
import type { CaptureEnd, CaptureHeard, CaptureLife, StartCapture } from '../../ports/capture-process.ts'
import { signsIn, watchDescriptor } from '../control/watch-pipe.ts'
import { type Environment, inheritedOf } from './inherited.ts'

/** What is kept of what a process says while it dies. */
const longestErrors = 64 * 1024

/** `program`: the path of the entry; `settings` becomes JSON. */
export function captureProcess(program: string, settings: object, environment: Environment): StartCapture {
  return (takeOver, heard) => {
    const words = [program, '--leash', '--watch', ...(takeOver ? ['--take-over'] : [])]
    const child = spawn(process.execPath, words, {
      env: inheritedOf(environment),
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      detached: true,
    })
    // It may have ended already: its exit says more than the pipe that broke. The end of stdin is the leash, which only our own end cuts.
    child.stdin.on('error', () => undefined)
    child.stdin.write(`${JSON.stringify(settings)}\n`)
    const signs = child.stdio[watchDescriptor]
    if (signs instanceof Readable) signs.on('data', (read: Buffer) => signsIn(read).forEach(heard.onSign))
    return lifeOf(child, heard)
  }
}

function lifeOf(child: ChildProcessByStdio<Writable, Readable, Readable>, { onLine }: CaptureHeard): CaptureLife {
  let finished = false
  let outcome: DrainOutcome | null = null
  let errors = ''
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-longestErrors)
  })
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = decode(text)
    if (line?.['type'] === 'ended') {
      finished = true
      outcome = line['outcome'] as DrainOutcome | null
    } else if (line !== null) onLine(line)
  })
  const ended = new Promise<CaptureEnd>((resolve) => {
    child.once('error', (error) => resolve({ finished, outcome, error: null, because: `it could not be started: ${error.message}` }))
    child.once('close', (status, signal) => {
      const said = errorIn(errors)
      const rest = said === null ? lastLine(errors) : said.message
      const how = signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`
      resolve({ finished, outcome, error: said, because: rest === '' ? how : `${how}: ${rest}` })
    })
  })
  return { stop: () => void child.kill('SIGTERM'), kill: () => void child.kill('SIGKILL'), ended }
}

/** The error that it ended with; null when it said none that we know. */
function errorIn(errors: string): DrError | null {
  const { code, what, untouched, next } = Object(decode(lastLine(errors))?.['error'])
  if (!isErrorCode(code) || typeof what !== 'string' || typeof untouched !== 'string' || typeof next !== 'string') return null
  return new DrError(code, { what, untouched, next })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}

function decode(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
