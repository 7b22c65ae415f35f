/** The command line as a user has it: a process of its own, with what it said and its exit status. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from './system.ts'

export interface Said {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

export const cliEntry = join(repository, 'src/entries/cli.ts')

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Words before the program: another user, another namespace. */
  readonly through?: readonly string[]
}

/** Runs `genesis-dr WORDS` to its end. Nobody is there to be asked. */
export function genesis(words: readonly string[], { cwd, env = {}, through = [] }: RunOptions = {}): Promise<Said> {
  const [program = process.execPath, ...rest] = [...through, process.execPath, cliEntry, ...words]
  const { DR_NOTIFICATION_WEBHOOK: _, DR_S3_BUCKET: __, FORCE_COLOR: ___, ...inherited } = process.env
  const child = spawn(program, rest, { cwd, env: { ...inherited, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (text: Buffer) => {
    said.stdout += text.toString()
  })
  child.stderr.on('data', (text: Buffer) => {
    said.stderr += text.toString()
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, ...said }))
  })
}

/** The code of the error that was shown, and whether all three of its lines were. */
export function errorOf({ stderr }: Said): string {
  const code = /\(([A-Z_]+)\)\s*$/m.exec(stderr)?.[1] ?? 'none'
  return /^untouched {2}\S/m.test(stderr) && /^next {7}\S/m.test(stderr) ? code : `${code}, not said in three lines: ${stderr}`
}

export function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex')
}
