/** Options read their own texts: what is meant is found, and what is wrong is said with what would be right. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isDrError } from '../errors.ts'
import { formatTxid } from '../ltx/txid.ts'
import { choice, flag, flagOf, type Option, readOptions, text, time, timelineNumber, txid, unknownWord, wholeNumber } from './options.ts'

/** `what | next` of what it is refused with. */
const refusal = <T>(option: Option<T>, given: string | true): string => {
  try {
    option.read(given, '--it')
  } catch (error) {
    if (isDrError(error, 'USAGE')) return `${error.message} | ${error.next}`
    throw error
  }
  return 'nothing was refused'
}
const scenario = choice('S', 'scenario', ['DATABASE_CORRUPTION', 'OTHER'], 'which', ['PRIMARY_FAILURE'])

describe('an option', () => {
  it('it is not given -> null, or false where it takes no value', () => {
    const all = [text('T', ''), scenario, wholeNumber('N', ''), time('T', ''), txid('N', ''), timelineNumber('HEX', '')]
    expect(all.map((option) => option.read(undefined, '--it'))).toEqual(all.map(() => null))
    expect([flag('').read(undefined, '--it'), flag('').read(true, '--it')]).toEqual([false, true])
  })

  it('it needs a value and has none, or an empty one -> said by its name', () => {
    const all: readonly Option<unknown>[] = [
      text('T', ''),
      scenario,
      wholeNumber('N', ''),
      time('T', ''),
      txid('N', ''),
      timelineNumber('HEX', ''),
    ]
    for (const option of all) {
      for (const given of [true as const, '', '   ']) {
        expect(refusal(option, given)).toBe('--it needs a value | Add --help to the command for its options.')
      }
    }
  })

  it('a text -> as it was given', () => {
    expect(text('FILE', '').read(' a path with spaces ', '--it')).toBe(' a path with spaces ')
  })
})

describe('a choice of words', () => {
  it.each(['DATABASE_CORRUPTION', 'database_corruption', 'database-corruption', 'Database-Corruption'])('%s -> the word', (given) => {
    expect(scenario.read(given, '--it')).toBe('DATABASE_CORRUPTION')
  })

  it.each(['PRIMARY_FAILURE', 'primary-failure'])(
    '%s, a word of another version -> said to be that, and what this version has',
    (given) => {
      expect(refusal(scenario, given)).toBe(`the scenario ${given} is not in this version | This version has: DATABASE_CORRUPTION, OTHER.`)
    },
  )

  it('a mistyped word -> the one that was meant; a strange one -> those that are known', () => {
    expect(refusal(scenario, 'DATABASE_CORUPTION')).toBe(
      'there is no scenario "DATABASE_CORUPTION" | Did you mean DATABASE_CORRUPTION? Known: DATABASE_CORRUPTION, OTHER.',
    )
    expect(refusal(scenario, 'x\n')).toBe('there is no scenario "x\\n" | Known: DATABASE_CORRUPTION, OTHER.')
  })

  it('its help -> names the words', () => {
    expect(scenario.help).toBe('which: DATABASE_CORRUPTION, OTHER')
    expect(unknownWord('verb', 'shw', ['show']).next).toBe('Did you mean show? Known: show.')
  })
})

describe('a number', () => {
  it.each([
    ['0', 0],
    ['42', 42],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('%s -> %d', (given, number) => {
    expect(wholeNumber('N', '').read(given, '--it')).toBe(number)
  })

  it.each(['-1', '1.5', '1e3', '0x10', '9007199254740993', 'many', ' 4'])('%j -> no whole number', (given) => {
    expect(refusal(wholeNumber('N', ''), given)).toBe(`--it ${given} is not a whole number | Give digits only: --it 42`)
  })
})

describe('a txid', () => {
  it('any -> as it is shown, and with its leading zeros left out', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), (number) => {
        expect(txid('N', '').read(formatTxid(number), '--it')).toBe(number)
        expect(txid('N', '').read(number.toString(16).toUpperCase(), '--it')).toBe(number)
      }),
    )
  })

  it.each(['0', '0000000000000000', 'ffffffffffffffff', '00000000000000001', '-1', 'latest', '0x11'])('%s -> no txid', (given) => {
    expect(refusal(txid('N', ''), given)).toMatch(/ is not a txid \| A txid is 16 hex digits, .* --it 00000000000012af$/)
  })
})

describe('the number of a timeline', () => {
  it.each([
    ['2', '00000002'],
    ['00000002', '00000002'],
    ['1A', '0000001a'],
  ])('%s -> %s', (given, number) => {
    expect(timelineNumber('HEX', '').read(given, '--it')).toBe(number)
  })

  it.each(['000000002', 'x', '-1', '1.0'])('%s -> no number of a timeline', (given) => {
    expect(refusal(timelineNumber('HEX', ''), given)).toMatch(/ is not the number of a timeline \| It is 8 hex digits, /)
  })
})

describe('a time', () => {
  it('with a zone, and without -> its moment, and whether the zone was assumed', () => {
    expect(time('T', '').read('2025-01-01T12:00:00Z', '--it')).toEqual({ epochMs: 1_735_732_800_000, zoneAssumed: false })
    expect(time('T', '').read('2025-01-01 12:00', '--it')).toEqual({ epochMs: 1_735_732_800_000, zoneAssumed: true })
  })

  it('anything else -> refused, with what would be one', () => {
    expect(refusal(time('T', ''), 'noon')).toBe(
      '--it noon is not an ISO 8601 time | Give one, in UTC where it has no zone: --it 2025-01-01T12:00:00',
    )
  })
})

describe('the options of a command', () => {
  it('names in code -> as they are typed', () => {
    expect(['dryRun', 'lastGood', 'db', 'takeOver'].map(flagOf)).toEqual(['--dry-run', '--last-good', '--db', '--take-over'])
  })

  it('a table of them -> every one is there, typed, and nothing else', () => {
    const table = { dryRun: flag(''), seed: wholeNumber('N', ''), output: text('FILE', '') }
    expect(readOptions(table, { dryRun: true, seed: '7', strange: 'x' })).toEqual({ dryRun: true, seed: 7, output: null })
    expect(() => readOptions(table, { seed: 'x' })).toThrow('--seed x is not a whole number')
  })
})
