/** The message that wakes people: what happened, whom to call, where to look; and a channel that fails stops nothing. */
import { expect, it } from 'vitest'
import { smallSystem } from '../../../test/support/small-runbook.ts'
import type { Notification } from '../../ports/notifier.ts'
import type { RunSettings, Scope } from '../runbook.ts'
import { notifyTeam } from './notify-team.ts'

const settings: RunSettings = { ...smallSystem().world.settings('run-1'), database: '/data/bot.db' }
const scope = (over: Partial<RunSettings> = {}): Scope => ({
  runId: 'run-1',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  settings: { ...settings, ...over },
  facts: {},
  interrupted: false,
  runs: [],
  progress: () => {},
})

async function bodyWith(over: Partial<RunSettings>): Promise<string> {
  const sent: Notification[] = []
  const notify = async (message: Notification) => {
    sent.push(message)
    return { outcome: 'accepted', because: 'it answered 204' } as const
  }
  expect(await notifyTeam.act({ notifiers: [{ description: 'webhook', notify }] }, scope(over))).toMatchObject({ outcome: 'done' })
  return sent[0]?.body ?? ''
}

it('contacts and links are configured -> they are in the message, in their order; without any, only what happened', async () => {
  const told = 'Run run-1 is recovering /data/bot.db. Trading is stopped. Follow it with: genesis-dr runs show run-1'
  expect(await bodyWith({})).toBe(told)
  const contacts = [
    { role: 'On-Call Engineer', reach: '+00 1' },
    { role: 'Exchange', reach: 'support@example.com' },
  ]
  expect(await bodyWith({ contacts, links: { 'Primary Dashboard': 'https://monitor.example.com' } })).toBe(
    `${told}\nCall: 1. On-Call Engineer +00 1, 2. Exchange support@example.com\nPrimary Dashboard: https://monitor.example.com`,
  )
})

it('every channel fails -> the step failed, and the team is not proven to be told', async () => {
  const notify = async () => ({ outcome: 'failed', because: 'hooks.example.com did not answer in time' }) as const
  expect(await notifyTeam.act({ notifiers: [{ description: 'webhook', notify }] }, scope())).toMatchObject({
    outcome: 'failed',
    notProven: ['team notified'],
  })
})
