/**
 * The other end of line-process.ts: what a program of ours is told, says and ends with. The first line of stdin is JSON; it says one line of
 * JSON an event on stdout, and as the last one what it came to, and ends 0. An error ends with the status of its code, as one JSON line on
 * stderr. SIGTERM and SIGINT ask it to end.
 */
import { createInterface } from 'node:readline'
import { isDrError, sentenceOf } from '../../errors.ts'

/** 'stdin': its end asks it to end as well, so that it does not outlive whoever started it. */
export type Leash = 'stdin' | 'none'

export type Say = (line: object) => void

/** What it was told is for `work` to decode. Ends this process at once where it is done: nothing is closed that is open then. */
export async function runLineProgram(
  leash: Leash,
  work: (told: unknown, signal: AbortSignal, say: Say) => Promise<unknown>,
): Promise<never> {
  const { stdin } = process
  const stop = new AbortController()
  process.on('SIGTERM', () => stop.abort())
  process.on('SIGINT', () => stop.abort())
  try {
    // Before the first line is read: the end may come right behind it.
    if (leash === 'stdin') stdin.once('close', () => stop.abort())
    const told = await readLine(stdin)
    // What comes after it is nothing, but only a stream that is read says when it ends.
    stdin.resume()
    say({ type: 'ended', value: await work(told, stop.signal, say) })
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

async function readLine(stdin: NodeJS.ReadStream): Promise<unknown> {
  for await (const line of createInterface({ input: stdin })) return JSON.parse(line)
  throw new TypeError('stdin ended before the line that says what to do')
}
