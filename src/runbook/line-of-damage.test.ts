/** The bot's own log as a witness: the newest line that means damage, and no older complaint than the service still shows. */
import { expect, it } from 'vitest'
import { atRest } from '../../test/support/small-runbook.ts'
import type { Service } from '../ports/service.ts'
import { lineOfDamage } from './line-of-damage.ts'
import { botCrashes } from './probes/bot-crashes.ts'
import { queriesFail } from './probes/queries-fail.ts'
import type { RunSettings } from './runbook.ts'

const settings = { logPatterns: ['malformed', 'disk i/o error'], database: '/data/bot.db' } as unknown as RunSettings
const serviceSaying = (...lines: readonly string[]): Service => ({
  description: 'unit genesis-trading',
  state: async () => ({ running: 'no', pids: [], because: 'exited with status 1', exitStatus: 1 }),
  stop: () => Promise.reject(new Error('a probe stops nothing')),
  start: () => Promise.reject(new Error('a probe starts nothing')),
  recentLog: async (count) => lines.slice(-count),
})
const damage = 'sqlite3.DatabaseError: database disk image is MALFORMED'

it.each<[string, readonly string[], string | null]>([
  ['nothing', [], null],
  ['nothing of damage', ['ready', 'order 7 filled'], null],
  ['of damage, in any case of letters, and then of its end', ['ready', damage, 'ended'], damage],
  ['of damage twice', [damage, 'disk I/O error (10)'], 'disk I/O error (10)'],
  ['of damage long ago', [damage, ...Array<string>(50).fill('order filled')], null],
  ['more than anybody can read', [`malformed ${'x'.repeat(300)}`], `malformed ${'x'.repeat(190)}`],
])('the log says %s -> the newest such line, cut, or none', async (_, lines, found) => {
  expect(await lineOfDamage(serviceSaying(...lines), settings)).toBe(found)
})

it('both probes that read the log -> quote the line', async () => {
  const service = serviceSaying(damage)
  expect(await botCrashes.look({ service }, settings)).toEqual({
    found: true,
    because: `it ended (exited with status 1) saying: ${damage}`,
  })
  const checks = { integrity: async () => [], queryValue: async () => 0, rowCounts: async () => ({}) }
  expect(await queriesFail.look({ ...atRest, service, checks }, settings)).toEqual({ found: true, because: `the bot says: ${damage}` })
  expect(await queriesFail.look({ ...atRest, service: null, checks }, settings)).toEqual({ found: false, because: '0 tables can be read' })
})
