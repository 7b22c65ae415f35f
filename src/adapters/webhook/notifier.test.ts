import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { isDrError } from '../../errors.ts'
import type { Notification } from '../../ports/notifier.ts'
import { webhookNotifier } from './notifier.ts'

const message: Notification = {
  title: 'Database corruption',
  body: 'Trading is stopped; recovery has begun.',
  severity: 'critical',
  mode: 'drill',
  runId: 'run-1',
}

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly path: string
  readonly body: Record<string, unknown>
}

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    }),
  )
})

/** A server whose nth request is answered by the nth of `answers`, the last one again after that. */
async function hookThat(...answers: readonly ((response: ServerResponse) => void)[]): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    received.push({ headers: request.headers, path: request.url ?? '', body: JSON.parse(text) })
    answers[Math.min(received.length, answers.length) - 1]?.(response)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, received }
}

const status =
  (code: number, headers = {}) =>
  (response: ServerResponse): void => {
    response.writeHead(code, headers).end('the answer')
  }
const never = (): void => undefined

describe('a webhook', () => {
  it('it accepts -> told once, as JSON that chat programs show', async () => {
    const { port, received } = await hookThat(status(204))
    const notifier = webhookNotifier(`http://127.0.0.1:${port}/services/S3CRET?key=HIDDEN`)
    expect(await notifier.notify(message)).toEqual({ outcome: 'accepted', because: `127.0.0.1:${port} answered 204` })
    expect(received).toHaveLength(1)
    expect(received[0]?.path).toBe('/services/S3CRET?key=HIDDEN')
    expect(received[0]?.headers['content-type']).toBe('application/json')
    const text = '[DRILL] CRITICAL: Database corruption\nTrading is stopped; recovery has begun.'
    expect(received[0]?.body).toEqual({ ...message, text, content: text })
  })

  it('it fails once and then accepts -> accepted on the second attempt', async () => {
    const { port, received } = await hookThat(status(500), status(200))
    const outcome = await webhookNotifier(`http://127.0.0.1:${port}/x`).notify(message)
    expect(outcome).toEqual({ outcome: 'accepted', because: `127.0.0.1:${port} answered 200, on the second attempt` })
    expect(received).toHaveLength(2)
  })

  it('it keeps failing -> failed after two attempts, with the status', async () => {
    const { port, received } = await hookThat(status(500))
    const outcome = await webhookNotifier(`http://127.0.0.1:${port}/x`).notify(message)
    expect(outcome).toEqual({ outcome: 'failed', because: `127.0.0.1:${port} answered 500, on the second attempt` })
    expect(received).toHaveLength(2)
  })

  it('it does not know the address -> failed at once, because repeating cannot help', async () => {
    const { port, received } = await hookThat(status(404))
    expect(await webhookNotifier(`http://127.0.0.1:${port}/x`).notify(message)).toMatchObject({ outcome: 'failed' })
    expect(received).toHaveLength(1)
  })

  it('it sends us elsewhere -> the message does not follow', async () => {
    const elsewhere = await hookThat(status(200))
    const { port } = await hookThat(status(307, { location: `http://127.0.0.1:${elsewhere.port}/` }))
    expect(await webhookNotifier(`http://127.0.0.1:${port}/x`).notify(message)).toMatchObject({ outcome: 'failed' })
    expect(elsewhere.received).toHaveLength(0)
  })

  it('it never answers -> failed within the 5 s that the port promises', async () => {
    const { port, received } = await hookThat(never)
    const from = performance.now()
    const outcome = await webhookNotifier(`http://127.0.0.1:${port}/x`).notify(message)
    expect(outcome).toMatchObject({ outcome: 'failed', because: `127.0.0.1:${port} did not answer in time, on the second attempt` })
    expect(performance.now() - from).toBeLessThan(5000)
    expect(received).toHaveLength(2)
  }, 10_000)

  it('nobody listens -> failed, and no error is thrown', async () => {
    const { port } = await hookThat(status(200))
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve))
    const outcome = await webhookNotifier(`http://127.0.0.1:${port}/x`).notify(message)
    expect(outcome).toEqual({ outcome: 'failed', because: `127.0.0.1:${port} refused the connection, on the second attempt` })
  })

  it('the host has no address -> failed, and no error is thrown', async () => {
    const outcome = await webhookNotifier('http://hooks.invalid/S3CRET').notify(message)
    expect(outcome.outcome).toBe('failed')
    expect(outcome.because).toMatch(/^hooks\.invalid cannot be found by name/)
  })

  it('the address holds a name and a password -> they travel in a header, and are never shown', async () => {
    const { port, received } = await hookThat(status(200))
    const notifier = webhookNotifier(`http://ada:p%40ss@127.0.0.1:${port}/S3CRET`)
    expect(await notifier.notify(message)).toMatchObject({ outcome: 'accepted' })
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from('ada:p@ss').toString('base64')}`)
    expect(notifier.description).toBe(`webhook 127.0.0.1:${port}`)
  })

  it('whatever goes wrong -> the secret path is in no text of ours', async () => {
    const { port } = await hookThat(status(500))
    const texts = [
      webhookNotifier(`http://127.0.0.1:${port}/S3CRET`).description,
      (await webhookNotifier(`http://127.0.0.1:${port}/S3CRET`).notify(message)).because,
      (await webhookNotifier('http://127.0.0.1:1/S3CRET').notify(message)).because,
    ]
    expect(texts.join(' ')).not.toContain('S3CRET')
  })

  it.each(['S3CRET', 'ftp://hooks/S3CRET', '', 'http://ada:S3CRET%zz@hooks/x', 'http://S3CRET%@hooks/x'])(
    'the address is %j -> refused as configuration, without quoting it',
    (address) => {
      try {
        webhookNotifier(address)
        expect.unreachable()
      } catch (error) {
        expect(isDrError(error, 'CONFIG_INVALID')).toBe(true)
        expect(String(error)).not.toContain('S3CRET')
      }
    },
  )

  it('the message is very long -> cut for chat programs, whole in its own field', async () => {
    const { port, received } = await hookThat(status(200))
    await webhookNotifier(`http://127.0.0.1:${port}/x`).notify({ ...message, body: 'x'.repeat(5000) })
    expect(String(received[0]?.body['content']).length).toBeLessThan(2000)
    expect(String(received[0]?.body['body']).length).toBe(5000)
  })
})
