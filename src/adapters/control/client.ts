/** Asks the capture of a database through its control socket. */
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { DrError, sentenceOf } from '../../errors.ts'
import type { CaptureControl, CapturePosition, DrainOutcome } from '../../ports/capture-control.ts'
import { decodeReply, type Request } from './protocol.ts'
import { withSocketPath } from './socket-path.ts'

/** Chosen: a position is read from memory; the others may wait for a flush or for a whole snapshot. */
const positionTimeoutMs = 2000
const actTimeoutMs = 120_000

export function captureClient(folder: string): CaptureControl {
  // The other end is our own program, which made the value of these shapes; fields are shown, never computed with unchecked.
  return {
    position: async () => (await ask(folder, { verb: 'position' }, positionTimeoutMs)) as CapturePosition,
    drain: async () => (await ask(folder, { verb: 'drain' }, actTimeoutMs)) as DrainOutcome,
    letGo: async () => void (await ask(folder, { verb: 'let-go' }, actTimeoutMs)),
    resume: async (fork) => (await ask(folder, { verb: 'resume', fork }, actTimeoutMs)) as DrainOutcome,
  }
}

/** Somebody listens on the control socket. Says nothing of whether it would answer. */
export function captureListens(folder: string): Promise<boolean> {
  return withSocketPath(
    folder,
    (path) =>
      new Promise((resolve) => {
        const socket = connect(path)
        const end = (listens: boolean) => () => {
          socket.destroy()
          resolve(listens)
        }
        socket.once('connect', end(true))
        socket.once('error', end(false))
      }),
  )
}

function ask(folder: string, request: Request, timeoutMs: number): Promise<unknown> {
  return withSocketPath(
    folder,
    (path) =>
      new Promise((resolve, reject) => {
        const socket = connect(path)
        const silent = (why: string): void => {
          socket.destroy()
          reject(
            new DrError('CAPTURE_SILENT', {
              what: `the capture did not answer "${request.verb}": ${why}`,
              untouched: 'Nothing is known to have changed.',
              next: 'Look whether the capture process runs and is not suspended (genesis-dr replication-status), then repeat.',
            }),
          )
        }
        socket.setTimeout(timeoutMs, () => silent(`no answer within ${timeoutMs / 1000} s`))
        socket.on('error', (error) => silent(sentenceOf(error)))
        socket.on('close', () => silent('it closed the connection'))
        createInterface({ input: socket }).once('line', (line) => {
          try {
            resolve(decodeReply(line))
          } catch (error) {
            reject(error)
          }
          socket.destroy()
        })
        socket.write(`${JSON.stringify(request)}\n`)
      }),
  )
}
