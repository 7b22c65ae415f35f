/** A program run to its end, with what it said. Its stdin is empty, so that nothing can ask for a password. */
import { spawn } from 'node:child_process'
import { codeOf } from '../filesystem/durable.ts'

export interface RunOutcome {
  /** Exit status; null when it was ended by a signal, ran longer than it was given, or could not be started. */
  readonly status: number | null
  readonly stdout: string
  /** What it said of errors; in its absence, why there is no status. */
  readonly stderr: string
}

/** Resolves, never rejects. After `timeoutMs` the program is killed. */
export type Run = (command: string, args: readonly string[], timeoutMs: number) => Promise<RunOutcome>

// A log of many long lines; more is cut.
const maxOutputBytes = 8 * 1024 * 1024

export const runCommand: Run = (command, args, timeoutMs) =>
  new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } })
    const output = collect()
    const errors = collect()
    child.stdout.on('data', output.add)
    child.stderr.on('data', errors.add)
    const end = (status: number | null, reason: string): void => {
      clearTimeout(timer)
      resolve({ status, stdout: output.text(), stderr: errors.text() || (status === null ? reason : '') })
    }
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      // What it started may hold its pipes open for as long as it likes: they are not waited for.
      child.stdout.destroy()
      child.stderr.destroy()
      end(null, `${command} took longer than ${timeoutMs} ms`)
    }, timeoutMs)
    child.once('error', (error) => end(null, codeOf(error) === 'ENOENT' ? `there is no ${command} here` : error.message))
    child.once('close', (status, signal) => end(status, `${command} was ended by ${signal}`))
  })

function collect(): { add(chunk: Buffer): void; text(): string } {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  return {
    add: (chunk) => {
      sizeBytes += chunk.length
      if (sizeBytes <= maxOutputBytes) chunks.push(chunk)
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  }
}
