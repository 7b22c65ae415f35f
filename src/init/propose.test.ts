/** From what was found to the proposal: what needs attention comes first, and nothing is chosen that was not found. */
import { describe, expect, it } from 'vitest'
import { initFacts } from '../../test/support/shell.ts'
import type { Facts } from './facts.ts'
import { fromHome, propose } from './propose.ts'

const nobody = { processes: [], complete: true, because: 'looked' }
const none = { found: [], because: 'looked' }
const of = (over: Partial<Facts>) => propose({ ...initFacts, ...over })

describe('what needs attention', () => {
  it('all is well -> nothing', () => {
    expect(of({}).concerns).toEqual([])
  })

  it('everything at once -> most urgent first: the user, the journal mode, the program, the disk, the service, the checks', () => {
    const { concerns } = of({
      self: { uid: 1001, name: 'ada', groups: [1001] },
      writeAccess: { may: false, because: 'it may not be written', instead: 'Run it as root', commands: [] },
      file: { ...initFacts.file, journal: 'rollback' },
      closed: '/root',
      replica: { ...initFacts.replica, sameDisk: true },
      holders: { ...nobody, complete: false, because: 'a container' },
      units: none,
      checks: [
        { check: { name: 'c', sql: 's', equals: 0 }, result: { check: 'c', outcome: 'fail', observed: '3', expected: '0' } },
        { check: { name: 'd', sql: 's', equals: 0 }, result: { check: 'd', outcome: 'pass', observed: '0', expected: '0' } },
      ],
    })
    const firstWords = [
      'this user cannot',
      'the database is in rollback',
      'this program lies',
      'the copy would lie on the same',
      'whether the bot runs',
      'what starts the bot',
      'a check that should hold',
    ]
    expect(concerns.map((concern, at) => concern.startsWith(firstWords[at] ?? 'nothing more'))).toEqual(firstWords.map(() => true))
  })

  it('the disk cannot be told -> that is said, and not that it is another', () => {
    expect(of({ replica: { ...initFacts.replica, sameDisk: null } }).concerns).toEqual([expect.stringContaining('could not be told')])
  })
})

describe('the service', () => {
  const compose = { found: [{ service: 'ft', file: '/desk/compose.yaml', volume: '.:/x' }], because: '' }
  it.each([
    ['a unit has it open', {}, { systemd: 'bot' }, /a process of it has the database open/],
    [
      'a unit names the folder',
      { units: { found: [{ name: 'b', by: 'text' as const }], because: '' } },
      { systemd: 'b' },
      /no process of it was seen/,
    ],
    [
      'several units do',
      { units: { found: ['b', 'c'].map((name) => ({ name, by: 'text' as const })), because: '' } },
      null,
      /several units may hold it \(b, c\)/,
    ],
    [
      'a Compose service',
      { units: none, containers: compose },
      { compose: 'ft', file: 'compose.yaml' },
      /its volume \.:\/x holds the database/,
    ],
    [
      'several services',
      { units: none, containers: { ...compose, found: [...compose.found, ...compose.found] } },
      null,
      /several services may hold it/,
    ],
    ['a unit and a Compose service', { containers: compose }, { systemd: 'bot' }, /systemd unit bot/],
    ['a process that nobody of them starts', { units: none }, null, /Process 7 \(python3 bot.py\) has it open/],
    ['nothing at all', { units: none, holders: nobody }, null, /No systemd unit and no Compose service was found/],
  ])('%s -> chosen only where it is the one', (_, over, value, because) => {
    const { service } = of(over)
    expect(service.value).toEqual(value)
    expect(service.because).toMatch(because)
  })

  it('a process that nobody of them starts -> its program is the example, and it is said that its arguments are left out', () => {
    const { example, because } = of({ units: none }).service
    expect(example).toBe('{ command: [python3, bot.py], cwd: . }')
    expect(because).toContain('with ALL its arguments')
    expect(because).toContain('xargs -0 < /proc/7/cmdline')
  })
})

describe('names and paths', () => {
  it('a unit is known -> the system has its name, otherwise that of the folder', () => {
    expect(of({}).name.value).toBe('bot')
    expect(of({ units: none }).name.value).toBe('desk')
    expect(of({ units: none, folder: '/' }).name.value).toBe('bot')
  })

  it.each([
    ['/desk/genesis-dr.yaml', '/desk/data/a.db', 'data/a.db'],
    ['/desk/genesis-dr.yaml', '/desk2/a.db', '/desk2/a.db'],
    ['/genesis-dr.yaml', '/a.db', 'a.db'],
  ])('the configuration %s and the file %s -> %s', (output, path, value) => {
    expect(fromHome({ output }, path)).toBe(value)
  })

  it('the tables could not be looked at -> no ledger and no check, with the reason', () => {
    const { ledger, checks } = of({ ledger: null, ledgerBecause: 'whose tables it has is not known: x' })
    expect([ledger.value, checks.holding]).toEqual([null, []])
    expect(checks.because).toContain('not known: x')
  })
})
