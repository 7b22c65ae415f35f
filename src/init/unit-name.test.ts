/** Two systems never share a unit: the second one's lines would overwrite the agent of the first. */
import { expect, it } from 'vitest'
import { unitName } from './unit-name.ts'

const none = (): null => null
const config = '/srv/a/bot/genesis-dr.yaml'

it.each([
  ['bot', 'genesis-dr-bot'],
  ['my bot', 'genesis-dr-my-bot'],
  ['бот', 'genesis-dr-agent'],
  ['бот 2', 'genesis-dr-2'],
])('the system is called %s, and no unit stands -> %s', (system, name) => {
  expect(unitName(system, config, none)).toBe(name)
})

it('a unit of another configuration has the name -> the next free one; its own, again and again -> the same', () => {
  const units: Record<string, string> = {
    '/etc/systemd/system/genesis-dr-bot.service': 'ExecStart=x agent --config /srv/b/bot/genesis-dr.yaml',
  }
  const textOf = (path: string): string | null => units[path] ?? null
  expect(unitName('bot', config, textOf)).toBe('genesis-dr-bot-2')
  units['/etc/systemd/system/genesis-dr-bot-2.service'] = `ExecStart=x agent --config ${config}`
  expect(unitName('bot', config, textOf)).toBe('genesis-dr-bot-2')
  // Its path ends like another one.
  expect(unitName('bot', '/b/bot/genesis-dr.yaml', textOf)).toBe('genesis-dr-bot-3')
})
