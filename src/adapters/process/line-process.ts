/**
 * A program of ours as a process on our leash: told one line of JSON, it tells lines of JSON, the last one what it came to. In a session of
 * its own: Ctrl-C on the terminal asks us, and we ask it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { DrError, isErrorCode } from '../../errors.ts'
import { type Environment, inheritedOf } from './inherited.ts'

export interface LineProcess {
  readonly child: ChildProcess
  /** Resolves when the process is gone and its last line was given to `onLine`. Never rejects. */
  readonly ended: Promise<LineEnd>
}

export interface LineEnd {
  /** It came to its own end, and said with what. */
  readonly finished: boolean
  readonly value: unknown
  /** Why it ended by itself; null when it said no error that we know. */
  readonly error: DrError | null
  /** A sentence: "it ended with status 1", "it was ended by SIGKILL". */
  readonly because: string
}

export interface LineProgram {
  /** Path of the program, then its arguments. */
  readonly words: readonly string[]
  /** Becomes the JSON that it is told. */
  readonly told: object
  readonly environment: Environment
  /** What it writes to its descriptor 3; absent: that is read and dropped. */
  readonly onSign?: (bytes: Buffer) => void
}

/** What is kept of what a process says while it dies. */
const longestErrors = 64 * 1024

export function startLineProcess({ words, told, environment, onSign }: LineProgram, onLine: (line: unknown) => void): LineProcess {
  const child = spawn(process.execPath, words, {
    env: inheritedOf(environment),
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
  // It may have ended already: its exit says more than the pipe that broke. The end of stdin is the leash, which only our own end cuts.
  child.stdin.on('error', () => undefined)
  child.stdin.write(`${JSON.stringify(told)}\n`)
  child.stdio[3]?.on('data', onSign ?? (() => undefined))
  let last: { readonly value: unknown } | null = null
  let errors = ''
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    errors = `${errors}${text}`.slice(-longestErrors)
  })
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = decode(text)
    if (line?.['type'] === 'ended') last = { value: line['value'] }
    else if (line !== null) onLine(line)
  })
  const ended = new Promise<LineEnd>((resolve) => {
    const end = (because: string): void => resolve({ finished: last !== null, value: last?.value ?? null, error: errorIn(errors), because })
    child.once('error', (error) => end(`it could not be started: ${error.message}`))
    child.once('close', (status, signal) => {
      const said = errorIn(errors)?.message ?? lastLine(errors)
      const how = signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`
      end(said === '' ? how : `${how}: ${said}`)
    })
  })
  return { child, ended }
}

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
