/** Text on a screen: no word is lost, no line is too long, and nothing that a bot wrote steers the terminal. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { counted, grouped } from '../../units.ts'
import { colourPalette, plainPalette } from './palette.ts'
import { factList, table } from './table.ts'
import { clean, hanging, padded, shortened, visible, wrap } from './text.ts'

const words = fc.array(fc.stringMatching(/^[a-z/.-]{1,40}$/), { minLength: 1, maxLength: 20 }).map((all) => all.join(' '))
const joined = (text: string): string => text.replace(/\s+/g, '')

describe('cleaning', () => {
  it('a line of the log of a bot moves the cursor, colours, rings -> words only, on one line', () => {
    expect(clean('\u001b[2Jred\u001b[31m \u0007bell\r\nnext\u009b0m')).toBe('[2Jred [31m  bell next 0m')
    expect(clean('\t tabs and \u0000 zeros \u007f')).toBe('tabs and   zeros')
  })

  it('any text at all -> no control character is left', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect([...clean(`\u001b[1m${text}`)].some((letter) => letter < ' ' || (letter >= '\u007f' && letter <= '\u009f'))).toBe(false)
      }),
    )
  })
})

describe('wrapping', () => {
  it('longer than the line -> broken between words', () => {
    expect(wrap('the quick brown fox jumps over the lazy dog', 24)).toEqual(['the quick brown fox', 'jumps over the lazy dog'])
  })

  it('a word is longer than the line -> broken where it must, and goes on with what follows', () => {
    expect(wrap(`see /${'x'.repeat(30)} there`, 24)).toEqual(['see', `/${'x'.repeat(23)}`, `${'x'.repeat(7)} there`])
    expect(wrap('x'.repeat(48), 24)).toEqual(['x'.repeat(24), 'x'.repeat(24)])
  })

  it('nothing, or a screen of no width -> one empty line, or lines that can be read', () => {
    expect(wrap('', 40)).toEqual([''])
    expect(wrap('the quick brown fox jumps', 0)).toEqual(['the quick brown fox', 'jumps'])
  })

  it('any words, any width -> every letter in its order, no line too long', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 200 }), (text, width) => {
        const lines = wrap(text, width)
        expect(joined(lines.join(''))).toBe(joined(text))
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(Math.max(24, width))
      }),
    )
  })
})

describe('hanging', () => {
  it('a first line with a label -> the others begin below the text', () => {
    expect(hanging('label:  ', 'the quick brown fox jumps over', 33)).toBe('label:  the quick brown fox jumps\n        over')
  })

  it('a smaller indent -> the first line has less room than the others', () => {
    expect(hanging('a long label: ', 'the quick brown fox jumps over the dog', 34, undefined, 4)).toBe(
      'a long label: the quick brown fox\n    jumps over the dog',
    )
  })

  it('the label is coloured -> its colours take no room', () => {
    expect(hanging(colourPalette.bad('label:  '), 'the quick brown fox jumps over', 33)).toBe(
      `${colourPalette.bad('label:  ')}the quick brown fox jumps\n        over`,
    )
  })

  it('the text is painted -> each line by itself, the indent not', () => {
    const paint = (line: string): string => `<${line}>`
    expect(hanging('- ', 'the quick brown fox jumps over', 26, paint)).toBe('- <the quick brown fox>\n  <jumps over>')
  })

  it('a long label on a narrow screen -> no mark that nobody wrote', () => {
    for (const columns of [30, 40]) {
      expect(hanging('  ok      reconcile-exchange 1.2 s: ', 'some words', columns, undefined, 10)).not.toContain('\u00b7')
    }
  })

  it('not a screen -> one line, however long', () => {
    expect(hanging('error  ', 'word '.repeat(100).trim(), Number.POSITIVE_INFINITY).split('\n')).toHaveLength(1)
  })

  it('any text on a screen of any width -> every letter in its order, and nothing added but indents', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z ]{1,60}: $/),
        words,
        fc.integer({ min: 0, max: 160 }),
        fc.nat(20),
        (first, text, columns, indent) => {
          const lines = hanging(first, text, columns, undefined, Math.min(indent, first.length)).split('\n')
          expect(lines[0]?.startsWith(first)).toBe(true)
          expect(joined(lines.join(''))).toBe(joined(first + text))
        },
      ),
    )
  })

  it('any text on a screen that is wide enough -> no line too long, each indented', () => {
    const label = fc.stringMatching(/^[a-z ]{1,20}: $/)
    fc.assert(
      fc.property(label, words, fc.integer({ min: 60, max: 160 }), fc.nat(10), (first, text, columns, indent) => {
        const lines = hanging(first, text, columns, undefined, Math.min(indent, first.length)).split('\n')
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns)
        for (const line of lines.slice(1)) expect(line.startsWith(' '.repeat(Math.min(indent, first.length)))).toBe(true)
      }),
    )
  })
})

describe('short texts', () => {
  it('longer than the room -> cut, with dots that say so', () => {
    expect([shortened('the quick brown fox', 10), shortened('short', 10), shortened('exactly ten', 11)]).toEqual([
      'the qui...',
      'short',
      'exactly ten',
    ])
  })

  it('counts -> one or many, with commas', () => {
    expect([counted(0, 'commit'), counted(1, 'commit'), counted(1204, 'restore point'), counted(1, 'flush'), counted(2, 'flush')]).toEqual([
      '0 commits',
      '1 commit',
      '1,204 restore points',
      '1 flush',
      '2 flushes',
    ])
    expect([grouped(0), grouped(999), grouped(1_234_567)]).toEqual(['0', '999', '1,234,567'])
  })

  it('coloured text -> as wide as it looks', () => {
    const red = colourPalette.bad('FAILED')
    expect([visible(red), padded(red, 8)]).toEqual([6, `${red}  `])
    expect(visible(colourPalette.bold(colourPalette.good('ok')))).toBe(2)
  })
})

describe('a table', () => {
  it('cells of different widths -> columns, and nothing after the last cell', () => {
    expect(
      table([
        ['a', 'bb', 'x'],
        ['ccc', '', ''],
        ['d', 'eeee', 'y'],
      ]),
    ).toBe('  a    bb    x\n  ccc\n  d    eeee  y')
  })

  it('coloured cells -> the columns are where they are without colours', () => {
    const rows = (bad: (text: string) => string): string[][] => [
      [bad('a'), 'b'],
      ['cccc', bad('d')],
    ]
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what colours begin with
    expect(table(rows(colourPalette.bad)).replace(/\u001b\[\d+m/g, '')).toBe(table(rows((text) => text)))
  })
})

describe('a list of facts', () => {
  it('labels and values -> in two columns, values wrapped in theirs; without a value, left out', () => {
    const facts = [
      { label: 'database', value: '/data/bot.db' },
      { label: 'gone', value: null },
      { label: 'note', value: 'the quick brown fox jumps over the lazy dog' },
      { label: '', value: 'and back' },
    ]
    expect(factList(facts, plainPalette, 40)).toBe(
      '  database  /data/bot.db\n  note      the quick brown fox jumps\n            over the lazy dog\n            and back',
    )
  })
})
