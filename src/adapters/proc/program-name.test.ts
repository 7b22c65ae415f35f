/** What is shown of a command line: never an argument. */
import { expect, it } from 'vitest'
import { commandService } from '../process/command-service.ts'
import { programName } from './program-name.ts'

it.each<[readonly string[], string]>([
  [['/usr/bin/genesis-bot', '--api-secret=hidden', 'hidden'], 'genesis-bot'],
  [['python3', '/opt/bot/bot.py', '--api-secret=hidden', '--password', 'hidden'], 'python3 bot.py'],
  [['/usr/bin/python3.13', '-u', '-W', 'ignore', 'bot.py', 'hidden'], 'python3.13 bot.py'],
  [['python3', '-m', 'freqtrade', 'trade', '--key', 'hidden'], 'python3 -m freqtrade'],
  [['python3', '-c', 'login("hidden")'], 'python3'],
  [['python3', '-uc', 'login("hidden")'], 'python3'],
  [['sh', '-c', 'KEY=hidden exec bot'], 'sh'],
  [['bash', '-lc', 'bot --key hidden'], 'bash'],
  [['sh', '-ec', 'hidden'], 'sh'],
  [['node', '--env-file', 'hidden', '--import', 'hidden', 'bot.mjs', 'hidden'], 'node bot.mjs'],
  [['node', '-e', 'hidden'], 'node'],
  [['node', '--eval', 'hidden'], 'node'],
  [['java', '-Dkey=hidden', '-jar', '/srv/bot.jar', 'hidden'], 'java bot.jar'],
  [['perl', 'key=hidden'], 'perl'],
  [['env', 'KEY=hidden', 'python3', 'bot.py'], 'env'],
  [['sleep', '60'], 'sleep'],
  [['-bash'], 'bash'],
  [['bot: trading with key hidden'], 'bot:'],
  [['bot --key=hidden'], 'bot'],
  [['python3'], 'python3'],
  [[], ''],
])('%j -> %s', (words, shown) => {
  expect(programName(words)).toBe(shown)
  expect(shown).not.toContain('hidden')
})

it('a bot is described -> as its program and its script', () => {
  const command = ['python3', '/opt/bot/bot.py', '--api-secret=hidden']
  const { description } = commandService({ command, cwd: '/opt', logFile: '/tmp/log', stateFolder: '/tmp/state', environment: {} })
  expect(description).toBe('command python3 bot.py')
})
