/**
 * The capture of one database as a process of its own, for drills and tests. The first line of stdin is its settings as JSON. With
 * `--leash` it also ends, flushed, when stdin does: however the process that started it dies, its end of the pipe dies with it.
 * With `--take-over` it takes over a replica of another database. One JSON line an event on stdout; SIGTERM flushes and ends 0; an error
 * ends with the status of its code, as one JSON line on stderr.
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { type CaptureSettings, replicate } from '../compose-capture.ts'
import { isDrError, sentenceOf } from '../errors.ts'

const { stdin } = process
const { values } = parseArgs({ options: { leash: { type: 'boolean' }, 'take-over': { type: 'boolean' } } })
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
process.on('SIGINT', () => stop.abort())

async function readSettings(): Promise<CaptureSettings> {
  for await (const line of createInterface({ input: stdin })) return JSON.parse(line) as CaptureSettings
  throw new TypeError('stdin ended before a line of settings')
}

try {
  // Before the first line is read: the end may come right behind it.
  if (values.leash === true) stdin.once('close', () => stop.abort())
  const settings = await readSettings()
  // What comes after it is nothing, but only a stream that is read says when it ends.
  stdin.resume()
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
