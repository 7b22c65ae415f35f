/** The command line: the only place that knows argv, the environment, the terminal and the signals of this process. */
import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { nodeClock } from '../adapters/node/clock.ts'
import type { Ask, Interruption, Terminal } from '../cli/command.ts'
import { runProgram } from '../cli/program.ts'
import { choosePalette } from '../cli/render/palette.ts'
import { composeParts } from '../compose.ts'
import { DrError, sentenceOf } from '../errors.ts'
import { loadConfig } from '../load-config.ts'
import { shellWord } from '../shell-word.ts'

const { stdin, stdout, stderr, env: environment } = process

const terminal: Terminal = {
  live: stdout.isTTY === true,
  palette: choosePalette(environment, stdout.isTTY === true),
  errorPalette: choosePalette(environment, stderr.isTTY === true),
  columns: () => stdout.columns ?? 100,
  errorColumns: () => (stderr.isTTY === true ? stderr.columns : null),
  write: (text) => void stdout.write(text),
  writeError: (text) => void stderr.write(text),
}

/** Once: what is under way is brought to a good end. Twice: at once, and everything that is durable stays so. */
function watchSignals(): Interruption {
  const stop = new AbortController()
  let once = false
  for (const [signal, kind] of [
    ['SIGINT', 'interrupt'],
    ['SIGTERM', 'terminate'],
    ['SIGHUP', 'terminate'],
  ] as const) {
    process.on(signal, () => {
      if (once) {
        stderr.write('\nstopped at once; what was under way is recorded: genesis-dr runs\n')
        process.exit(130)
      }
      once = true
      stop.abort()
      if (kind === 'interrupt' && stderr.isTTY) stderr.write('\nfinishing what is under way; once more to stop at once\n')
    })
  }
  return { signal: stop.signal }
}

const interruption = watchSignals()

const ask: Ask = (question) =>
  new Promise((answer) => {
    const lines = createInterface({ input: stdin, output: stderr })
    const end = (line: string | null): void => {
      interruption.signal.removeEventListener('abort', onAbort)
      // Before the close, which answers that there is no more input.
      answer(line)
      lines.close()
    }
    const onAbort = (): void => end(null)
    interruption.signal.addEventListener('abort', onAbort)
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    lines.once('close', () => answer(null))
    lines.question(question, end)
  })

/** For the records of who did what. A container may run us as a user that it has no name for. */
function userName(): string {
  try {
    return userInfo().username
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SYSTEM_ERROR')) throw error
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

function versionOf(): string {
  const text: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return typeof text === 'object' && text !== null && 'version' in text ? String(text.version) : 'unknown'
}

/** What a person types before the first word. npm starts what npx and its scripts name from the folder that has it. */
function programName(): string {
  const [, script = ''] = process.argv
  if (environment['npm_command'] !== undefined) return 'npx genesis-dr'
  return script.endsWith('.js') ? `${shellWord(process.argv0)} ${shellWord(script)}` : 'genesis-dr'
}

/** @throws USAGE when it was removed under us */
function workingFolder(): string {
  try {
    return process.cwd()
  } catch (error) {
    throw new DrError('USAGE', {
      what: `the working directory is gone (${sentenceOf(error)})`,
      untouched: 'Nothing was done.',
      next: 'Change to a folder that is there, then repeat it.',
      cause: error,
    })
  }
}

// Whoever reads our output may go away (`| head`); what is under way goes on to its end.
const output: { error: Error | null } = { error: null }
stderr.on('error', () => undefined)
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') output.error = error
})

const status = await runProgram(process.argv.slice(2), {
  terminal,
  interruption,
  clock: nodeClock,
  ask: stdin.isTTY === true && stderr.isTTY === true ? ask : null,
  resolve,
  user: userName(),
  version: versionOf(),
  program: programName(),
  debug: environment['GENESIS_DR_DEBUG'] === '1',
  readConfig: (flags) => loadConfig({ ...flags, environment, workingFolder: workingFolder() }),
  composeParts: (config) => composeParts(config, environment),
})
// A pipe takes its time: what was written has to be in it before the end.
for (const stream of [stdout, stderr]) await new Promise<void>((written) => stream.write('', () => written()))
const { error: lost } = output
if (lost !== null)
  stderr.write(
    `error      the result could not be written to stdout: ${lost.message}\nnext       What was done is recorded: genesis-dr runs\n`,
  )
// Not a natural end: that would close SQLite's connections, and the last one to close deletes the log behind the bot.
process.exit(lost !== null && status === 0 ? 1 : status)
