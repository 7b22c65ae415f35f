/** What the journal says of a unit: whose words, of which life, and when. */
import { describe, expect, it } from 'vitest'
import { decodeJournal, linesOfLife, outsideJournal } from './journal-lines.ts'

const entry = (invocation: string, second: number, text: unknown): string =>
  JSON.stringify({ MESSAGE: text, _SYSTEMD_INVOCATION_ID: invocation, __REALTIME_TIMESTAMP: `${second * 1_000_000}` })

it('the journal as JSON -> lines with their times; what systemd says of the unit, and what is cut, is left out', () => {
  const output = [
    entry('a', 1, 'ready'),
    JSON.stringify({ MESSAGE: 'Started bot.service', INVOCATION_ID: 'a', __REALTIME_TIMESTAMP: '1000000' }),
    entry('a', 2, [...Buffer.from('caf\u00e9')]),
    entry('a', 3, null),
    '',
    entry('a', 4, 'cut').slice(0, 20),
  ].join('\n')
  expect(decodeJournal(output)).toEqual([
    { text: 'ready', invocation: 'a', atMs: 1000 },
    { text: 'caf\u00e9', invocation: 'a', atMs: 2000 },
  ])
})

describe('whose life a line is of', () => {
  const lives = decodeJournal([entry('a', 1, 'a'), entry('b', 20, 'b'), entry('c', 30, 'c'), entry('c', 500, 'c again')].join('\n'))
  it.each([
    ['it was started by hand', 'c', '0', ['c', 'c again']],
    ['systemd restarted it once', 'c', '1', ['b', 'c', 'c again']],
    ['more often than the journal goes back', 'c', '9', ['a', 'b', 'c', 'c again']],
    ['it says nothing yet', 'd', '0', []],
    ['it was just restarted', 'd', '1', ['c', 'c again']],
    ['systemd has forgotten it', '', '', ['c', 'c again']],
  ])('%s', (_, InvocationID, NRestarts, texts) => {
    expect(linesOfLife(lives, { InvocationID, NRestarts }).map(({ text }) => text)).toEqual(texts)
  })

  it('it was stopped while it waited for a restart, and started long after by hand -> its count goes on, and is not believed', () => {
    const apart = decodeJournal([entry('a', 1, 'malformed'), entry('b', 100, 'ready')].join('\n'))
    expect(linesOfLife(apart, { InvocationID: 'b', NRestarts: '4' }).map(({ text }) => text)).toEqual(['ready'])
  })

  it('nothing was ever written -> nothing', () => {
    expect(linesOfLife([], { InvocationID: '', NRestarts: '' })).toEqual([])
  })
})

it.each([
  ['journal', 'inherit', null],
  ['', '', null],
  ['null', 'journal', null],
  ['append', 'inherit', 'the unit does not write to the journal (StandardOutput=append)'],
  ['null', 'null', 'the unit does not write to the journal (StandardOutput=null)'],
])('output to %j, errors to %j -> %s', (StandardOutput, StandardError, because) => {
  expect(outsideJournal({ StandardOutput, StandardError })).toBe(because)
})
