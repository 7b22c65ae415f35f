/** Asks the capture of a database through its control socket. */
import { connect } from 'node:net'
import { DrError, sentenceOf } from '../../errors.ts'
import type { CaptureControl, CapturePosition, DrainOutcome, ScrubOutcome } from '../../ports/capture-control.ts'
import { captureLockPath } from '../filesystem/capture-lock.ts'
import { codeOf } from '../filesystem/durable.ts'
import { describeHolder, lockHolder } from '../filesystem/process-lock.ts'
import { linesOf } from './lines.ts'
import { decodeReply, type Request } from './protocol.ts'
import { withSocketPath } from './socket-path.ts'

/** Chosen: a position is read from memory; the others may wait for a flush or for a whole snapshot. */
const positionTimeoutMs = 2000
const actTimeoutMs = 120_000
/** Chosen: it reads the whole file, at some hundred MiB a second. */
const scrubTimeoutMs = 30 * 60_000

export function captureClient(folder: string): CaptureControl {
  // The other end is our own program, which made the value of these shapes; fields are shown, never computed with unchecked.
  return {
    position: async () => (await ask(folder, { verb: 'position' }, positionTimeoutMs)) as CapturePosition,
    drain: async () => (await ask(folder, { verb: 'drain' }, actTimeoutMs)) as DrainOutcome,
    scrub: async () => (await ask(folder, { verb: 'scrub' }, scrubTimeoutMs)) as ScrubOutcome,
    letGo: async () => void (await ask(folder, { verb: 'let-go' }, actTimeoutMs)),
    resume: async (fork) => (await ask(folder, { verb: 'resume', fork }, actTimeoutMs)) as DrainOutcome,
  }
}

/** Somebody listens on the control socket. Says nothing of whether it would answer. */
export async function captureListens(folder: string): Promise<boolean> {
  const listens = (path: string): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(path)
      const end = (answer: boolean) => () => {
        socket.destroy()
        resolve(answer)
      }
      socket.on('connect', end(true))
      // Stays: the other end may go away between the connection and our farewell.
      socket.on('error', end(false))
    })
  try {
    return await withSocketPath(folder, listens)
  } catch (error) {
    if (codeOf(error) === '') throw error
    return false
  }
}

async function ask(folder: string, request: Request, timeoutMs: number): Promise<unknown> {
  return decodeReply(await answerOf(folder, request, timeoutMs))
}

/** @throws CAPTURE_SILENT */
async function answerOf(folder: string, request: Request, timeoutMs: number): Promise<string> {
  try {
    return await withSocketPath(folder, (path) => firstLine(path, request, timeoutMs))
  } catch (error) {
    if (!(error instanceof Silence) && codeOf(error) === '') throw error
    throw silent(folder, request, error)
  }
}

/** Why no answer came. */
class Silence extends Error {}

/** @throws Silence */
async function firstLine(path: string, request: Request, timeoutMs: number): Promise<string> {
  const socket = connect(path)
  let why = 'it closed the connection'
  socket.on('error', (error) => {
    why = sentenceOf(error)
  })
  const timer = setTimeout(() => {
    why = `no answer within ${timeoutMs / 1000} s`
    socket.destroy()
  }, timeoutMs)
  socket.write(`${JSON.stringify(request)}\n`)
  try {
    for await (const line of linesOf(socket)) return line
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
  throw new Silence(why)
}

function silent(folder: string, request: Request, cause: unknown): DrError {
  const path = captureLockPath(folder)
  const holder = lockHolder(path)
  // Only whoever captures listens: a recovery that holds the lock is not silent, it has nothing to say.
  const other = holder?.purpose === 'recovery' ? holder : null
  const untouched = 'Nothing is known to have changed.'
  if (other !== null)
    return new DrError('CAPTURE_SILENT', {
      what: `no capture runs that could answer "${request.verb}": ${describeHolder(other)}`,
      untouched,
      next: 'Repeat when it has ended.',
      cause,
    })
  return new DrError('CAPTURE_SILENT', {
    what: `the capture did not answer "${request.verb}": ${sentenceOf(cause)}`,
    untouched,
    next: 'Look whether the capture process runs and is not suspended (genesis-dr replication-status), then repeat.',
    cause,
  })
}
