/** The control socket of a capture: one JSON line asks, one JSON line answers. Reached by whoever may enter the state folder. */
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { isDrError, sentenceOf } from '../../errors.ts'
import type { CaptureControl } from '../../ports/capture-control.ts'
import { decodeRequest, type Reply } from './protocol.ts'
import { withSocketPath } from './socket-path.ts'

/** Whoever serves holds the capture lock, so a socket that is there already belongs to nobody. Returns how to close it. */
export async function serveControl(folder: string, control: CaptureControl): Promise<() => Promise<void>> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    createInterface({ input: socket }).on('line', (line) => {
      void answer(control, line).then((reply) => socket.writable && socket.write(`${JSON.stringify(reply)}\n`))
    })
  })
  await withSocketPath(folder, async (path) => {
    await rm(path, { force: true })
    await listening(server, path)
    await chmod(path, 0o600)
  })
  return async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
    })
  }
}

async function answer(control: CaptureControl, line: string): Promise<Reply> {
  try {
    const request = decodeRequest(line)
    switch (request.verb) {
      case 'position':
        return { ok: true, value: await control.position() }
      case 'drain':
        return { ok: true, value: await control.drain() }
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
    server.once('error', reject)
    server.listen(path, () => resolve())
  })
}
