/** The two ends of the control socket: whatever one of them does, goes away or talks nonsense, the other lives on and says so. */
import { once } from 'node:events'
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DrError } from '../../errors.ts'
import type { CaptureControl, CapturePosition, DrainOutcome, ScrubOutcome } from '../../ports/capture-control.ts'
import { captureLockPath } from '../filesystem/capture-lock.ts'
import { takeProcessLock } from '../filesystem/process-lock.ts'
import { captureClient, captureListens } from './client.ts'
import { longestLine } from './lines.ts'
import { serveControl } from './server.ts'

const position: CapturePosition = {
  state: 'capturing',
  pid: 7,
  database: '/bot.db',
  replica: 'file:replica',
  timeline: '00000001',
  txid: 3,
  lastCommitMs: 0,
  pendingCommits: 0,
  lagMs: 0,
  walUnfinished: false,
  walLargeSinceMs: null,
  gaveUp: null,
  unproven: null,
  walBytes: 0,
  moved: [],
  trouble: null,
  damage: null,
  scrub: null,
  continuous: true,
}
const drained: DrainOutcome = { timeline: '00000001', txid: 3, lastCommitMs: 0, complete: true, because: 'all is durable' }

const scrubbed: ScrubOutcome = {
  reads: 'direct',
  judged: 10,
  waiting: 0,
  of: 10,
  turnEndedMs: 5,
  turnAgeMs: 9,
  turnTookMs: 1,
  damaged: [7],
  txid: 3,
  because: null,
}

let folder = ''
let ends: (() => Promise<unknown> | unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'control-'))
})
afterEach(async () => {
  for (const end of ends) await end()
  ends = []
  rmSync(folder, { recursive: true })
})

const serve = async (over: Partial<CaptureControl> = {}): Promise<void> => {
  const control: CaptureControl = {
    position: async () => position,
    drain: async () => drained,
    scrub: async () => scrubbed,
    letGo: async () => undefined,
    resume: async () => drained,
    ...over,
  }
  ends.push(await serveControl(folder, control))
}
const socketPath = (): string => join(folder, 'capture.sock')
const client = async (): Promise<Socket> => {
  const socket = connect(socketPath())
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}
const answerTo = async (text: string): Promise<unknown> => {
  const socket = await client()
  socket.write(text)
  const [line] = await once(socket, 'data')
  socket.destroy()
  return JSON.parse(String(line))
}
const alive = async (): Promise<void> => expect(await captureClient(folder).position()).toEqual(position)
/** Somebody listens who does this with each connection. */
const listenAs = async (talk: (socket: Socket) => void): Promise<Server> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    talk(socket)
  })
  server.listen(socketPath())
  await once(server, 'listening')
  ends.push(() => server.close())
  return server
}

describe('a capture that is asked', () => {
  it('properly -> it answers; an error of its own travels whole', async () => {
    const trouble = new DrError('STORE_UNAVAILABLE', { what: 'away', untouched: 'All.', next: 'Wait.' })
    await serve({ drain: () => Promise.reject(trouble), letGo: () => Promise.reject(new TypeError('x is undefined')) })
    await alive()
    await expect(captureClient(folder).drain()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: 'away', next: 'Wait.' })
    await expect(captureClient(folder).letGo()).rejects.toMatchObject({ code: 'CAPTURE_STUCK', message: 'x is undefined' })
    expect(await captureClient(folder).resume({ timeline: '00000001', txid: 3 })).toEqual(drained)
  })

  it('by clients that go away before the answer -> it goes on, and nobody has to hear it', async () => {
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let asked = 0
    await serve({
      drain: async () => {
        asked++
        await held
        return drained
      },
    })
    for (let each = 0; each < 5; each++) {
      const socket = await client()
      socket.write('{"verb":"drain"}\n')
      await expect.poll(() => asked).toBe(each + 1)
      socket.destroy()
    }
    release()
    await alive()
  })

  it('two thousand times over one connection by somebody who reads no answer and leaves -> it goes on', async () => {
    await serve()
    for (let each = 0; each < 5; each++) {
      const socket = await client()
      socket.write('{"verb":"position"}\n'.repeat(2000))
      await alive()
      socket.destroy()
    }
    await alive()
  })

  it('with garbage, half a line, or a line without end -> refused or dropped, and it goes on', async () => {
    await serve()
    expect(await answerTo('garbage\n')).toMatchObject({ ok: false, error: { code: 'CAPTURE_STUCK' } })
    expect(await answerTo('[]\n')).toMatchObject({ ok: false })
    expect(await answerTo('{"verb":"no\0such"}\n')).toMatchObject({ ok: false })
    const half = await client()
    half.end('{"verb":"let-go"}')
    const endless = await client()
    const closed = new Promise((resolve) => endless.once('close', resolve))
    endless.write('x'.repeat(longestLine + 100_000))
    await closed
    await alive()
    half.destroy()
  })

  it('it ends -> nobody listens any more', async () => {
    await serve()
    expect(await captureListens(folder)).toBe(true)
    for (const end of ends.splice(0)) await end()
    expect(await captureListens(folder)).toBe(false)
  })

  it('its folder is not there -> an error of ours', async () => {
    await expect(serveControl(join(folder, 'absent'), {} as CaptureControl)).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(existsSync(join(folder, 'absent'))).toBe(false)
  })
})

describe('a capture that does not answer', () => {
  const silence = (): Promise<unknown> =>
    captureClient(folder)
      .position()
      .catch((error: unknown) => error)

  it('no socket, no folder at all, also where its path is too long for a socket -> CAPTURE_SILENT', async () => {
    for (const at of [folder, join(folder, 'absent'), join(folder, 'a'.repeat(120), 'b')]) {
      await expect(captureClient(at).position()).rejects.toMatchObject({ code: 'CAPTURE_SILENT' })
      expect(await captureListens(at)).toBe(false)
    }
  })

  it('it died and left its socket -> CAPTURE_SILENT', async () => {
    const server = await listenAs(() => undefined)
    renameSync(socketPath(), `${socketPath()}.kept`)
    server.close()
    renameSync(`${socketPath()}.kept`, socketPath())
    expect(await silence()).toMatchObject({ code: 'CAPTURE_SILENT', message: expect.stringContaining('ECONNREFUSED') })
  })

  it('it goes away with our question -> CAPTURE_SILENT', async () => {
    await listenAs((socket) => socket.once('data', () => socket.destroy()))
    expect(await silence()).toMatchObject({ code: 'CAPTURE_SILENT' })
  })

  it('it answers half a line, or one without end -> CAPTURE_SILENT', async () => {
    await listenAs((socket) => socket.once('data', () => socket.end('{"ok":tr')))
    expect(await silence()).toMatchObject({ code: 'CAPTURE_SILENT', message: expect.stringContaining('closed the connection') })
  })

  it('it is suspended -> CAPTURE_SILENT after the time that a position may take', async () => {
    await listenAs(() => undefined)
    expect(await silence()).toMatchObject({ code: 'CAPTURE_SILENT', message: expect.stringContaining('no answer within 2 s') })
  })

  it('what holds the lock does not capture -> that is said', async () => {
    const lock = takeProcessLock(captureLockPath(folder), 'recovery')
    const error = await silence()
    lock?.release()
    expect(error).toMatchObject({ code: 'CAPTURE_SILENT', next: 'Repeat when it has ended.' })
    expect(error).toMatchObject({ message: expect.stringContaining(`process ${process.pid} is recovering or validating this database`) })
  })
})
