/** What `init` asks a person, and what it shows; off a terminal it asks nobody. */
import { describe, expect, it } from 'vitest'
import { initFacts, initOutcome, type } from '../../../test/support/shell.ts'
import type { InitOutcome } from '../../init/outcome.ts'
import type { InitCommand, Parts } from '../parts.ts'

const candidates = ['/desk/a.db', '/desk/b.db'].map((path) => ({ ...initFacts, file: { ...initFacts.file, path } }))
const several: InitOutcome = {
  do: 'choose',
  because: 'several databases are here',
  candidates,
  searched: { files: [], looked: 9, gaps: [] },
}

/** The request that the words come to, and what the person's answers make of its questions. */
async function ask(words: readonly string[], answers: readonly string[] | null) {
  const seen: { request?: InitCommand; chosen?: string | null; agreed?: boolean } = {}
  const parts: Partial<Parts> = {
    init: async (request) => {
      const chosen = await request.choose(candidates)
      Object.assign(seen, { request, chosen: chosen?.file.path ?? null, agreed: await request.agrees(initFacts) })
      return chosen === null ? several : initOutcome
    },
  }
  return { screen: await type(['init', ...words], { parts, answers }), seen }
}

describe('the words', () => {
  it.each([
    [[], { folder: '/desk', database: 'to be found', output: null, wal: 'offer' }],
    [['bot'], { folder: '/desk/bot', output: null }],
    [['--db', 'a.db', '--output', 'x.yaml', '--wal'], { folder: '/desk', database: 'named', output: '/desk/x.yaml', wal: 'switch' }],
  ])('%j -> %j', async (words, request) => {
    expect((await ask(words, null)).seen.request).toMatchObject(request)
  })

  it('no configuration is read; --config is none of its options', async () => {
    expect((await type(['init', '--db', 'a.db', '--replica', 'file:/r'])).flags).toEqual([
      { config: null, settings: 'not read', database: 'a.db', replica: 'file:/r' },
    ])
    expect(await type(['init', '--config', 'a.yaml'])).toMatchObject({ exit: 2, calls: [] })
    expect(await type(['init', 'a', 'b'])).toMatchObject({ exit: 2, calls: [] })
  })
})

describe('several databases', () => {
  it('a person gives a number -> that one', async () => {
    const { screen, seen } = await ask([], ['2', 'no'])
    expect([screen.exit, seen.chosen]).toEqual([0, '/desk/b.db'])
    expect(screen.errors).toMatch(/1 {2}\/desk\/a\.db .*\n.*2 {2}\/desk\/b\.db /)
  })

  it.each(['3', '0', 'b.db', '-1'])('a person gives "%s" -> 2, and nothing else is asked', async (answer) => {
    const { screen } = await ask([], [answer])
    expect([screen.exit, screen.asked.length]).toEqual([2, 1])
    expect(screen.errors).toContain('(USAGE)')
  })

  it.each([
    ['nobody is there', [], null],
    ['a person gives nothing', [], ['']],
    ['with --json', ['--json'], ['1']],
  ])('%s -> 2 with the list', async (_, words, answers) => {
    const { screen, seen } = await ask(words, answers)
    expect([screen.exit, seen.chosen]).toEqual([2, null])
    expect(screen.out).toContain('/desk/b.db')
  })
})

describe('rollback-journal mode', () => {
  it.each([
    ['yes', true],
    ['Y', true],
    ['no', false],
    ['', false],
    ['yess', false],
  ])('a person answers "%s" -> %s', async (answer, agreed) => {
    expect((await ask([], ['1', answer])).seen.agreed).toBe(agreed)
  })

  it('nobody is there -> left as it is', async () => {
    expect((await ask([], null)).seen.agreed).toBe(false)
  })
})

describe('the screen', () => {
  it('lines to be pasted -> never broken, however narrow it is', async () => {
    const { out } = await type(['init'], { columns: 40 })
    for (const { lines } of initOutcome.next.steps) expect(out).toContain(lines.join('\n'))
  })

  it('what needs attention -> before what was found', async () => {
    const proposal = { ...initOutcome.proposal, concerns: ['the disk is the same'] }
    const { out, exit } = await type(['init'], { parts: { init: async () => ({ ...initOutcome, proposal }) } })
    expect(exit).toBe(0)
    expect(out.indexOf('the disk is the same')).toBeGreaterThan(out.indexOf('wrote /desk/genesis-dr.yaml'))
    expect(out.indexOf('the disk is the same')).toBeLessThan(out.indexOf('journal mode'))
  })

  it('what could not be looked at, and what is too much to look at -> said', async () => {
    const searched = {
      files: [...candidates, { ...initFacts, file: initFacts.file }].map(({ file }) => file),
      looked: 9,
      gaps: ['/desk/x could not be read'],
    }
    const shown = async (outcome: InitOutcome) => (await type(['init'], { parts: { init: async () => outcome } })).out
    expect(await shown({ ...initOutcome, searched })).toMatch(/not looked at +\/desk\/x could not be read/)
    const list = await shown({ ...several, searched })
    expect(list).toMatch(/not looked at closer\n +- \/desk\/bot\.db/)
    expect(list).toMatch(/not looked at\n +- \/desk\/x could not be read/)
  })

  it('--json -> the outcome, whole', async () => {
    expect(JSON.parse((await type(['init', '--json'])).out)).toEqual(initOutcome)
  })
})
