/** Recovers the database of a test in place to a time, and kills itself when a step has ended: argv is the database, the replica, the time as ms since the epoch, and the step, or "never". Prints the outcome as JSON when it lives to the end. */
import { composeParts } from '../../src/compose.ts'
import { loadConfig } from '../../src/load-config.ts'

const [, , database = '', replica = '', epochMs = '', fatal = 'never'] = process.argv
const config = loadConfig({ config: null, database, replica, environment: {}, workingFolder: '/' })
const outcome = await composeParts(config, process.env).recover({
  target: { kind: 'time', epochMs: Number(epochMs) },
  timeline: null,
  output: null,
  dryRun: false,
  full: false,
  onEvent: (event) => {
    if (event.type === 'step-ended' && event.step === fatal) process.kill(process.pid, 'SIGKILL')
  },
  signal: new AbortController().signal,
})
process.stdout.write(`${JSON.stringify(outcome)}\n`)
