/** What is proposed is read back by the program itself, whatever was found; and each line that is only commented out can be put in. */
import { basename, dirname, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { initFacts } from '../../test/support/shell.ts'
import { type Config, readConfig, settings } from '../config.ts'
import { configurationText } from './configuration-text.ts'
import type { Facts, TriedCheck } from './facts.ts'
import { proposedChecks } from './ledger.ts'
import { type ProposedService, propose } from './propose.ts'

const read = (text: string, path = '/desk/genesis-dr.yaml'): Config =>
  readConfig({ file: { path, text }, flags: {}, environment: {}, workingFolder: '/', resolve, dirname, basename, realFile: (one) => one })

const readBack = (service: ProposedService | null): Config['service'] => {
  if (service !== null && 'command' in service) return { ...service, cwd: '/desk' }
  return service === null || 'systemd' in service ? service : { compose: service.compose, at: { file: resolve('/desk', service.file) } }
}

const textOf = (facts: Facts): string => configurationText(propose(facts))

const ledgers = ['genesis', 'freqtrade', 'hummingbot', 'own'] as const
const tried = (ledger: (typeof ledgers)[number], outcome: 'pass' | 'fail'): readonly TriedCheck[] =>
  proposedChecks(ledger, { tables: {}, foreignKeys: 1 }).map((check) => ({
    check,
    result: { check: check.name, outcome, observed: outcome === 'pass' ? '0' : '3', expected: '0' },
  }))
const nobody = { processes: [], complete: true, because: 'looked' }
const noUnit = { found: [], because: 'systemd does not answer: no bus' }
const compose = { found: [{ service: 'freqtrade', file: '/desk/docker-compose.yml', volume: './user_data:/x' }], because: '' }
const units = {
  none: noUnit,
  one: { found: [{ name: 'freqtrade', by: 'text' as const }], because: 'looked' },
  'two of them': { found: ['a', 'b@1'].map((name) => ({ name, by: 'text' as const })), because: 'looked' },
}

const cases = ledgers.flatMap((ledger) =>
  Object.entries(units).flatMap(([name, found]) =>
    (['pass', 'fail'] as const).flatMap((outcome) =>
      [compose, { found: [], because: 'none' }].map((containers): [string, Facts] => [
        `${ledger}, ${name} unit, checks ${outcome}, ${containers.found.length} services`,
        {
          ...initFacts,
          ledger: { ledger, because: 'seen' },
          ledgerBecause: 'seen',
          units: found,
          containers,
          checks: tried(ledger, outcome),
          holders: nobody,
        },
      ]),
    ),
  ),
)

describe('every case', () => {
  it.each(cases)('%s -> the program reads what was proposed', (_, facts) => {
    const proposal = propose(facts)
    const config = read(configurationText(proposal))
    expect(config).toMatchObject({
      name: proposal.name.value,
      database: facts.file.path,
      replica: { path: facts.replica.path },
      service: readBack(proposal.service.value),
      checks: proposal.checks.holding,
      stopTimeoutMs: 10_000,
      integrity: 'quick',
    })
  })

  it.each(cases)('%s -> above each key stands a reason', (_, facts) => {
    const lines = textOf(facts).split('\n')
    for (const [at, line] of lines.entries())
      if (/^[a-z]+:/.test(line)) expect([line, lines[at - 1]?.startsWith('# ')]).toEqual([line, true])
    expect(
      Math.max(...lines.filter((line) => line.startsWith('#') && !/^# [a-z]+: |^# - /.test(line)).map((line) => line.length)),
    ).toBeLessThan(119)
  })
})

describe('what is commented out', () => {
  it('each known key -> may be put in as it stands', () => {
    const text = textOf({ ...initFacts, checks: [], units: noUnit, holders: nobody })
    const put = text.replace(/^# ([a-zA-Z]+): /gm, (line, key) => (Object.hasOwn(settings, key) ? `${key}: ` : line))
    const keys = [...put.matchAll(/^([a-zA-Z]+): /gm)].map((match) => match[1])
    expect(keys.sort()).toEqual(Object.keys(settings).sort())
    expect(read(put)).toMatchObject({ service: { command: ['python3', 'bot.py'] }, contacts: [{}], links: {}, stopTimeoutMs: 10_000 })
  })

  it('a check that does not hold -> a comment with what was observed, which can be put in after the others', () => {
    const [first, ...rest] = tried('freqtrade', 'pass')
    const failing = tried('freqtrade', 'fail').slice(0, 1)
    const text = textOf({ ...initFacts, ledger: { ledger: 'freqtrade', because: 'x' }, checks: [...failing, ...rest] })
    expect(text).toContain('does not hold in this one now (3)')
    expect(read(text).checks).toEqual(rest.map(({ check }) => check))
    const line = /^# (- \{ name: .*)$/m.exec(text)?.[1] ?? ''
    expect(read(text.replace('\nchecks:\n', `\nchecks:\n  ${line}\n`)).checks[0]).toEqual(first?.check)
  })

  it('a Compose service -> with its file, and said to be untried; the ledger -> a comment', () => {
    const text = textOf({ ...initFacts, units: noUnit, containers: compose })
    expect(text).toContain('\nservice: { compose: freqtrade, file: docker-compose.yml }\n')
    expect(text.replaceAll('\n# ', ' ')).toContain('not on a docker that runs')
    expect(textOf(initFacts)).toMatch(/^# ledger: own$/m)
  })
})

describe('names of others', () => {
  it('whatever stands in folders, units, services, tables and users -> it stays in its comment or its quotes', () => {
    const seed = Number(process.env['GENESIS_DR_SEED'] ?? 20261126)
    const word = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(
        'yes',
        'null',
        '1e3',
        '0x1f',
        '- a',
        '{a: b}',
        '# x',
        'a: b',
        "it's",
        '"',
        '\\',
        '*a',
        '&a',
        '!a',
        '%a',
        '@',
        '`',
        '\n',
        '\u2028',
        ' ',
        'a #b',
        '~',
      ),
    )
    // A path has neither of these, and names no other folder.
    const part = word
      .map((text) => text.replaceAll('/', '_').replaceAll('\0', '_'))
      .filter((text) => !['', '.', '..'].includes(text) && !/[\ud800-\udfff]/.test(text))
    fc.assert(
      fc.property(part, part, part, part, (folder, name, service, table) => {
        const home = `/srv/${folder}`
        const facts: Facts = {
          ...initFacts,
          folder: home,
          output: `${home}/genesis-dr.yaml`,
          file: { ...initFacts.file, path: `${home}/${name}` },
          ledger: { ledger: 'own', because: table },
          ledgerBecause: table,
          owner: service,
          group: table,
          holders: { ...nobody, processes: [{ pid: 1, command: name }] },
          units: { found: [{ name: service, by: 'text' }], because: name },
          containers: { found: [{ service, file: `${home}/${table}`, volume: name }], because: name },
          replica: { ...initFacts.replica, path: `/mnt/${table}` },
        }
        for (const given of [facts, { ...facts, units: noUnit }]) {
          const config = read(textOf(given), given.output)
          expect(config.database).toBe(facts.file.path)
          expect(config.replica?.path).toBe(facts.replica.path)
          expect(config.name).toBe(service)
          expect(config.service).toEqual(
            given.units === noUnit ? { compose: service, at: { file: `${home}/${table}` } } : { systemd: service },
          )
          expect(config.checks).toEqual([])
        }
      }),
      { seed, numRuns: 500 },
    )
  })
})
