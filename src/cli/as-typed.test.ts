/** A command in a text is what this person can paste. */
import { describe, expect, it } from 'vitest'
import { type } from '../../test/support/shell.ts'
import { asTyped, sourcesIn } from './as-typed.ts'

const called = { program: 'npx genesis-dr', sources: { config: '/srv/my bot/x.yaml', replica: 'file:/r' } }

describe('a command in a text', () => {
  it.each([
    ['run: genesis-dr validate.', "run: npx genesis-dr validate --config '/srv/my bot/x.yaml' --replica file:/r."],
    [
      'Start genesis-dr\n           replicate again',
      "Start npx genesis-dr replicate --config '/srv/my bot/x.yaml' --replica file:/r again",
    ],
    [
      'damaged (genesis-dr execute --scenario X); look',
      "damaged (npx genesis-dr execute --config '/srv/my bot/x.yaml' --replica file:/r --scenario X); look",
    ],
    ['genesis-dr status --config /other.yaml', 'npx genesis-dr status --config /other.yaml'],
    ['genesis-dr validate --db COPY --replica URL', 'npx genesis-dr validate --db COPY --replica URL'],
    ['genesis-dr init --db a.db --wal', 'npx genesis-dr init --db a.db --wal'],
    ['Settings of genesis-dr, proposed', 'Settings of genesis-dr, proposed'],
    ['/x/bin/genesis-dr.js agent', '/x/bin/genesis-dr.js agent'],
    ['/x/genesis-dr status', '/x/genesis-dr status'],
    ['npx genesis-dr status', 'npx genesis-dr status'],
    ['genesis-dr --help lists them.', 'genesis-dr --help lists them.'],
  ])('%j -> %j', (text, typed) => expect(asTyped(text, called)).toBe(typed))

  it.each([
    [['status', '--config', 'a.yaml'], { config: 'a.yaml' }],
    [['--db=b.db', 'status', '--replica', 'file:/r'], { db: 'b.db', replica: 'file:/r' }],
    [['status', '--config'], {}],
  ])('the words %j -> the sources %j', (words, sources) => expect(sourcesIn(words)).toEqual(sources))
})

describe('a program that was called with npx and --config', () => {
  const line = ['status', '--config', 'a.yaml', '--nonsense']
  it('an error -> what to do next in the same form', async () => {
    const { errors } = await type(['run', 'stop', '--config', 'a.yaml'], { program: 'npx genesis-dr' })
    expect(errors).not.toMatch(/(?<!npx )genesis-dr /)
  })

  it('--json -> stdout has the plain form, which does not hang on who asked', async () => {
    const { out } = await type([...line, '--json'], { program: 'npx genesis-dr' })
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'USAGE' } })
    expect(out).not.toContain('npx')
  })
})
