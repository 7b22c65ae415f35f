/** What a capture process does from its first line of input to its last line of output. */
import { createInterface } from 'node:readline'
import { type CaptureSettings, type ReplicateOptions, replicate } from './compose-capture.ts'
import { isDrError, sentenceOf } from './errors.ts'

export interface CaptureWords extends Pick<ReplicateOptions, 'watch' | 'around' | 'takeOver'> {
  /** The end of stdin ends it, flushed. */
  readonly leash: boolean
}

/** Ends this process. Not a natural end: that would close SQLite's connections, and the last one to close deletes the log behind the bot. */
export async function runCapture({ leash, ...options }: CaptureWords): Promise<never> {
  const { stdin } = process
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort())
  process.on('SIGINT', () => stop.abort())
  try {
    // Before the first line is read: the end may come right behind it.
    if (leash) stdin.once('close', () => stop.abort())
    const settings = await readSettings(stdin)
    // What comes after it is nothing, but only a stream that is read says when it ends.
    stdin.resume()
    const outcome = await replicate(settings, { ...options, signal: stop.signal, onEvent: say })
    say({ type: 'ended', value: outcome })
    process.exit(0)
  } catch (error) {
    const known = isDrError(error) ? { code: error.code, untouched: error.untouched, next: error.next } : { code: 'BUG' }
    process.stderr.write(`${JSON.stringify({ error: { what: sentenceOf(error), ...known } })}\n`)
    process.exit(isDrError(error) ? error.exit : 1)
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

async function readSettings(stdin: NodeJS.ReadStream): Promise<CaptureSettings> {
  for await (const line of createInterface({ input: stdin })) return JSON.parse(line) as CaptureSettings
  throw new TypeError('stdin ended before a line of settings')
}
