/** The control socket of a capture: one JSON line asks, one JSON line answers. Reached by whoever may enter the folder that it is in. */
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { isDrError, sentenceOf } from '../../errors.ts'
import type { CaptureControl } from '../../ports/capture-control.ts'
import { diskError } from '../filesystem/durable.ts'
import { linesOf } from './lines.ts'
import { decodeRequest, type Reply } from './protocol.ts'
import { withSocketPath } from './socket-path.ts'

/** Whoever serves holds the capture lock, so a socket that is there already belongs to nobody. Returns how to close it. */
export async function serveControl(folder: string, control: CaptureControl): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    void converse(socket, control)
  })
  try {
    await withSocketPath(folder, async (path) => {
      await rm(path, { force: true })
      await listening(server, path)
      await chmod(path, 0o600)
    })
  } catch (error) {
    server.close()
    throw diskError(error, `open the control socket in ${folder}`, 'Nothing was copied yet.')
  }
  return async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
  }
}

/** One request after the other; an answer whose asker is gone is dropped, and one who does not read gets no further. */
async function converse(socket: Socket, control: CaptureControl): Promise<void> {
  for await (const line of linesOf(socket)) {
    const reply = await answer(control, line)
    if (!socket.writable) return
    if (!socket.write(`${JSON.stringify(reply)}\n`)) await roomAgain(socket)
  }
}

function roomAgain(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('drain', resolve)
    socket.once('close', resolve)
  })
}

async function answer(control: CaptureControl, line: string): Promise<Reply> {
  try {
    const request = decodeRequest(line)
    switch (request.verb) {
      case 'position':
        return { ok: true, value: await control.position() }
      case 'drain':
        return { ok: true, value: await control.drain() }
      case 'scrub':
        return { ok: true, value: await control.scrub() }
      case 'let-go':
        await control.letGo()
        return { ok: true, value: null }
      case 'resume':
        return { ok: true, value: await control.resume(request.fork) }
    }
  } catch (error) {
    if (isDrError(error))
      return { ok: false, error: { code: error.code, what: error.message, untouched: error.untouched, next: error.next } }
    return {
      ok: false,
      error: {
        code: 'CAPTURE_STUCK',
        what: sentenceOf(error),
        untouched: 'Nothing is known to have changed.',
        next: 'Look at the output of the capture.',
      },
    }
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays: a connection that cannot be accepted later (no descriptor is free) is the asker's trouble, not the end of the capture.
    server.on('error', reject)
    server.listen(path, () => resolve())
  })
}
