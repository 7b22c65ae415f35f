/**
 * The capture of one database as a process of its own, for drills and tests: argv[2] is its settings as JSON, then `--leash PID` for the
 * process that it ends with, and `--take-over`. One JSON line an event on stdout; SIGTERM flushes and ends 0; an error ends with the status
 * of its code, as one JSON line on stderr.
 */
import { parseArgs } from 'node:util'
import { holdLeash } from '../adapters/process/leash.ts'
import { replicate, type SystemSettings } from '../compose-system.ts'
import { isDrError, sentenceOf } from '../errors.ts'

const { values, positionals } = parseArgs({
  options: { leash: { type: 'string' }, 'take-over': { type: 'boolean' } },
  allowPositionals: true,
})
const settings = JSON.parse(positionals[0] ?? '{}') as SystemSettings
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('SIGINT', () => stop.abort())
if (values.leash !== undefined) holdLeash(Number(values.leash), () => stop.abort())
try {
  await replicate(settings, {
    takeOver: values['take-over'] === true,
    signal: stop.signal,
    onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
  })
  // Not a natural end: that would close SQLite's connections, and the last one to close deletes the log behind the bot.
  process.exit(0)
} catch (error) {
  const known = isDrError(error) ? { code: error.code, untouched: error.untouched, next: error.next } : { code: 'BUG' }
  process.stderr.write(`${JSON.stringify({ error: { what: sentenceOf(error), ...known } })}\n`)
  process.exit(isDrError(error) ? error.exit : 1)
}
