/**
 * Notifications as a JSON document that is posted to a webhook. The address is a secret (whoever knows its path can post), so only its
 * host is ever shown. `text` and `content` carry the whole message too: Slack, Mattermost and Teams show the one, Discord the other.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { DrError } from '../../errors.ts'
import type { Notification, NotificationOutcome, Notifier } from '../../ports/notifier.ts'
import { codeOf } from '../filesystem/durable.ts'

const attemptTimeoutMs = 3000
// The port promises an answer within 5 s; a second attempt gets what the first has left of this.
const budgetMs = 4500
const pauseMs = 200
// Discord refuses more than 2000 characters.
const textLimit = 1900

/** @throws CONFIG_INVALID when `address` is not an http(s) URL. */
export function webhookNotifier(address: string): Notifier {
  const target = parseAddress(address)
  return {
    description: `webhook ${target.url.host}`,
    notify: (message) => deliver(target, JSON.stringify(documentOf(message))),
  }
}

interface Target {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
}

function parseAddress(address: string): Target {
  const url = URL.parse(address)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw invalidAddress('is not an http or https URL')
  }
  const headers: Record<string, string> = { 'content-type': 'application/json', 'user-agent': 'genesis-dr' }
  if (url.username !== '' || url.password !== '') {
    // fetch refuses an address with a name and a password in it.
    const credentials = `${decoded(url.username)}:${decoded(url.password)}`
    headers['authorization'] = `Basic ${Buffer.from(credentials).toString('base64')}`
    url.username = ''
    url.password = ''
  }
  return { url, headers }
}

/** @throws CONFIG_INVALID */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    throw invalidAddress('holds a name or a password with a % that begins no escape; write %25 for the sign itself')
  }
}

/** Without a cause, which could quote the address. */
function invalidAddress(why: string): DrError {
  return new DrError('CONFIG_INVALID', {
    what: `the address of the webhook ${why} (it is not shown, because it is a secret)`,
    untouched: 'Nothing was sent.',
    next: 'Correct the webhook in the configuration or in DR_NOTIFICATION_WEBHOOK.',
  })
}

function documentOf(message: Notification): Readonly<Record<string, string | null>> {
  const mark = message.mode === 'live' ? '' : `[${message.mode.toUpperCase()}] `
  const whole = `${mark}${message.severity.toUpperCase()}: ${message.title}\n${message.body}`
  const text = whole.length > textLimit ? `${whole.slice(0, textLimit)}...` : whole
  const { title, body, severity, mode, runId } = message
  return { title, body, severity, mode, runId, text, content: text }
}

async function deliver(target: Target, body: string): Promise<NotificationOutcome> {
  const from = performance.now()
  const first = await attempt(target, body, attemptTimeoutMs)
  if (first.outcome === 'accepted' || !first.worthRepeating) return outcomeOf(first, 1)
  await pause(pauseMs)
  return outcomeOf(await attempt(target, body, budgetMs - (performance.now() - from)), 2)
}

interface Attempt extends NotificationOutcome {
  readonly worthRepeating: boolean
}

function outcomeOf({ outcome, because }: Attempt, attempts: 1 | 2): NotificationOutcome {
  return { outcome, because: attempts === 1 ? because : `${because}, on the second attempt` }
}

async function attempt(target: Target, body: string, timeoutMs: number): Promise<Attempt> {
  const { url, headers } = target
  try {
    // A redirect is not followed: it could carry the message to a host that nobody configured.
    const signal = AbortSignal.timeout(Math.max(1, Math.floor(timeoutMs)))
    const answer = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal })
    await answer.body?.cancel()
    const because = `${url.host} answered ${answer.status}`
    if (answer.ok) return { outcome: 'accepted', because, worthRepeating: false }
    return { outcome: 'failed', because, worthRepeating: answer.status >= 500 || answer.status === 429 }
  } catch (error) {
    return { outcome: 'failed', because: `${url.host} ${reasonOf(error)}`, worthRepeating: true }
  }
}

/** The kind of failure only: messages of fetch may quote the address. */
function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'TimeoutError') return 'did not answer in time'
  const code = error instanceof Error ? codeOf(error.cause) : ''
  if (code === 'ECONNREFUSED') return 'refused the connection'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `cannot be found by name (${code})`
  return `could not be reached (${code === '' ? 'no reason given' : code})`
}
