/** What the journal says of a unit: whose words, of which life, and when. */
import { describe, expect, it } from 'vitest'
import { decodeJournal, type JournalEntry, type LifeFacts, linesOfLife, outsideJournal } from './journal-lines.ts'

const boot = 'b00t'
/** `invocation` null: the process was gone when the journal asked whose it was. `stream`: of its output. */
const entry = (invocation: string | null, second: number, text: unknown, stream?: string): string =>
  JSON.stringify({
    MESSAGE: text,
    ...(invocation === null ? {} : { _SYSTEMD_INVOCATION_ID: invocation }),
    ...(stream === undefined ? {} : { _STREAM_ID: stream }),
    __REALTIME_TIMESTAMP: `${second * 1_000_000}`,
    __MONOTONIC_TIMESTAMP: `${second * 1_000_000}`,
    _BOOT_ID: boot,
  })

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
    { text: 'ready', invocation: 'a', atMs: 1000, monotonicUs: 1_000_000, boot },
    { text: 'caf\u00e9', invocation: 'a', atMs: 2000, monotonicUs: 2_000_000, boot },
  ])
})

const textsOf = (entries: readonly JournalEntry[], facts: Partial<LifeFacts>): readonly string[] => {
  const life: LifeFacts = { InvocationID: '', NRestarts: '', ExecMainStartTimestampMonotonic: '', ...facts }
  return linesOfLife(entries, life, 'b-00-t').map(({ text }) => text)
}

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
    expect(textsOf(lives, { InvocationID, NRestarts })).toEqual(texts)
  })

  it('it was stopped while it waited for a restart, and started long after by hand -> its count goes on, and is not believed', () => {
    const apart = decodeJournal([entry('a', 1, 'malformed'), entry('b', 100, 'ready')].join('\n'))
    expect(textsOf(apart, { InvocationID: 'b', NRestarts: '4' })).toEqual(['ready'])
  })

  it.each([
    ['in its only life', [], '0', 4, ['malformed']],
    ['after it was started again by hand', [entry('a', 1, 'old', 's')], '0', 4, ['malformed']],
    ['after a restart by systemd', [entry('a', 1, 'a', 's')], '1', 4, ['a', 'malformed']],
    ['and systemd has started it again since', [entry('a', 1, 'a', 's')], '2', 9, ['a', 'malformed']],
    ['before somebody started it again', [entry('a', 1, 'a', 's')], '0', 9, []],
  ])('its last words came when it was gone, %s -> of the life that they are of', (_, before, NRestarts, began, texts) => {
    const entries = decodeJournal([...before, entry(null, 5, 'malformed', 'last')].join('\n'))
    expect(textsOf(entries, { InvocationID: 'z', NRestarts, ExecMainStartTimestampMonotonic: `${began * 1_000_000}` })).toEqual(texts)
  })

  it('its last words came when its successor was there already -> by the stream they are its own', () => {
    const entries = decodeJournal([entry('a', 1, 'ready', 's'), entry('b', 2, 'malformed', 's'), entry('b', 3, 'ready', 't')].join('\n'))
    expect(textsOf(entries, { InvocationID: 'b', NRestarts: '0' })).toEqual(['ready'])
    expect(entries.map(({ invocation }) => invocation)).toEqual(['a', 'a', 'b'])
  })

  it('another boot counted its time from elsewhere -> nothing is taken for younger by that', () => {
    const entries = decodeJournal(entry(null, 5, 'malformed', 'last').replace(boot, 'f0rmer'))
    expect(textsOf(entries, { InvocationID: 'z', NRestarts: '0', ExecMainStartTimestampMonotonic: '1000000' })).toEqual([])
  })

  it('nothing was ever written -> nothing', () => {
    expect(textsOf([], { InvocationID: '', NRestarts: '' })).toEqual([])
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
