/** From a command line to an exit status: what is mistyped is said, what is live is confirmed, and nothing is called that was not meant. */
import { describe, expect, it } from 'vitest'
import { result, run, type } from '../../test/support/shell.ts'
import { DrError, type ErrorCode } from '../errors.ts'
import { commands } from './commands.ts'
import { exitStatuses } from './exit-status.ts'
import { colourPalette } from './render/palette.ts'

const failing = (code: ErrorCode) => () =>
  Promise.reject(new DrError(code, { what: 'It happened', untouched: 'Nothing was done.', next: 'Do this.' }))
/** Words that a command needs before it does anything. */
const least: Readonly<Record<string, readonly string[]>> = {
  accept: ['--timeline', '00000001'],
  execute: ['--scenario', 'DATABASE_CORRUPTION'],
  drill: ['--scenario', 'DATABASE_CORRUPTION'],
}

describe('help', () => {
  it.each(commands.map((command) => [command.name, command] as const))(
    '%s --help -> every option, examples and the table of exit statuses at its end',
    async (name, command) => {
      const screen = await type([name, '--help'])
      expect([screen.exit, screen.errors, screen.calls]).toEqual([0, '', []])
      for (const { line, does } of command.examples) {
        expect(screen.out).toContain(`genesis-dr ${line}`)
        expect(screen.out.replace(/\s+/g, ' ')).toContain(does)
        expect(line.split(' ')[0]).toBe(name)
      }
      for (const option of ['--db <FILE>', '--replica <URL>', '--json', '--help']) expect(screen.out).toContain(option)
      expect(screen.out.includes('--config <FILE>')).toBe(command.settings !== 'not read')
      expect(screen.out.includes('--yes <NAME>')).toBe(command.changes === 'live')
      const end = screen.out.slice(screen.out.indexOf('Exit status:')).replace(/\s+/g, ' ')
      for (const [status, means] of Object.entries({ ...exitStatuses, ...command.exits })) expect(end).toContain(`${status} ${means}`)
      expect(screen.out.indexOf('Examples:')).toBeLessThan(screen.out.indexOf('Exit status:'))
      expect(end.trimEnd().endsWith('interrupted')).toBe(true)
    },
  )

  it.each(commands.flatMap((command) => command.examples.map(({ line }) => line.replace(/ > .*/, '').replaceAll('"', ''))))(
    'the example "%s" -> a command line that is understood',
    async (line) => {
      const screen = await type(line.split(' '), { answers: ['genesis'] })
      expect(screen.errors).not.toContain('(USAGE)')
      expect([0, 5]).toContain(screen.exit)
    },
  )

  it('of the program -> every command with its line, and the same table', async () => {
    const screen = await type(['--help'])
    for (const { name, summary } of commands) {
      expect(screen.out).toContain(`  ${name}`)
      expect(screen.out.replace(/\s+/g, ' ')).toContain(summary)
    }
    expect(screen.out).toContain('Exit status:')
    expect(screen.exit).toBe(0)
  })

  it('its version -> that', async () => {
    expect(await type(['--version'])).toMatchObject({ exit: 0, out: '1.2.3\n', errors: '' })
  })

  it('"help" as a word -> the same as --help, before the command and alone', async () => {
    expect(await type(['help'])).toMatchObject({ exit: 0, out: (await type(['--help'])).out })
    expect(await type(['help', 'recover'])).toMatchObject({ exit: 0, out: (await type(['recover', '--help'])).out, calls: [] })
  })

  it('no word at all -> the help, where errors go, and 2', async () => {
    const screen = await type([])
    expect([screen.exit, screen.out]).toEqual([2, ''])
    expect(screen.errors).toContain('Usage: genesis-dr')
  })
})

describe('a command line that is not understood', () => {
  it.each([
    [['statu'], 'there is no command "statu"', 'Did you mean status?'],
    [['recovery'], 'there is no command "recovery"', 'Did you mean recover?'],
    [['fly'], 'there is no command "fly"', 'Known: init, replicate'],
    [['status', '--jsn'], 'there is no option "--jsn"', 'Did you mean --json?'],
    [['execute', '--scenaro', 'x'], 'there is no option "--scenaro"', 'Did you mean --scenario?'],
    [['execute'], 'no scenario was named', 'Add --scenario DATABASE_CORRUPTION.'],
    [['--jsn', 'status'], 'there is no option "--jsn"', 'Did you mean --json?'],
    [['execute', '--scenario'], "option '--scenario <S>' argument missing", 'Add --help'],
    [['execute', '--scenario', 'DATABASE_CORUPTION'], 'there is no scenario "DATABASE_CORUPTION"', 'Did you mean DATABASE_CORRUPTION?'],
    [
      ['execute', '--scenario', 'PRIMARY_FAILURE'],
      'the scenario PRIMARY_FAILURE is not in this version',
      'This version has: DATABASE_CORRUPTION.',
    ],
    [['status', 'now'], '"now" was not expected after genesis-dr status', 'genesis-dr status --help'],
    [['runs', 'show', 'a', 'b'], '"b" was not expected after genesis-dr runs show a', 'genesis-dr runs --help'],
    [['runs', 'list'], 'there is no verb of runs "list"', 'Known: show.'],
    [['runs', 'show'], 'it is not said which run', 'genesis-dr runs lists their ids.'],
    [['drill'], 'it is not said which scenario to play', 'Add --scenario DATABASE_CORRUPTION, or --all.'],
    [['drill', '--all', '--scenario', 'DATABASE_CORRUPTION'], 'it is not said which scenario to play', 'Add'],
    [['drill', '--all', '--seed', 'x'], '--seed x is not a whole number', 'Give digits only'],
  ])('%j -> 2, what is wrong, and what was meant', async (line, what, next) => {
    const screen = await type(line)
    expect(screen.exit).toBe(2)
    expect(screen.out).toBe('')
    expect(screen.errors.replace(/\s+/g, ' ')).toContain(`error ${what}`)
    expect(screen.errors).toContain('(USAGE)')
    expect(screen.errors).toContain('untouched  Nothing was done.')
    expect(screen.errors.replace(/\s+/g, ' ')).toContain(`next ${next}`)
    expect(screen.calls).toEqual([])
  })

  it('more than one point is asked for -> 2', async () => {
    for (const more of [['--output', 'look.db'], []]) {
      const screen = await type(['recover', '--txid', '11', '--last-good', ...more])
      expect([screen.exit, screen.calls]).toEqual([2, []])
      expect(screen.errors).toContain('more than one restore point was asked for')
    }
  })

  it.each([['execute'], ['recover', '--txid', '1', '--last-good']])(
    '%s: it would change something live -> 2 before anybody is asked',
    async (...words) => {
      for (const line of [words, [...words, '--yes', 'production']]) {
        expect(await type(line, { answers: ['genesis'] })).toMatchObject({ exit: 2, asked: [], calls: [] })
      }
    },
  )
})

describe('what goes wrong', () => {
  it.each<[ErrorCode, number]>([
    ['NO_GOOD_POINT', 1],
    ['CONFIG_INVALID', 2],
    ['STORE_UNAVAILABLE', 3],
    ['DATABASE_IN_USE', 4],
  ])('%s -> three lines on stderr, and %d', async (code, exit) => {
    const screen = await type(['status'], { parts: { status: failing(code) } })
    expect([screen.exit, screen.out]).toEqual([exit, ''])
    expect(screen.errors).toBe(`error      It happened (${code})\nuntouched  Nothing was done.\nnext       Do this.\n`)
  })

  it.each([
    [['status', '--json'], 'STORE_UNAVAILABLE', 3],
    [['statu', '--json'], 'USAGE', 2],
    [['status', '--json', '--nothing'], 'USAGE', 2],
  ])('%j -> with --json one object on stdout, and the words for people on stderr', async (line, code, exit) => {
    const screen = await type(line, { parts: { status: failing('STORE_UNAVAILABLE') } })
    const { error } = JSON.parse(screen.out)
    expect([screen.exit, Object.keys(error), error.code]).toEqual([exit, ['code', 'what', 'untouched', 'next'], code])
    expect(screen.out.split('\n')).toHaveLength(2)
    expect(screen.errors).toContain(`(${code})`)
  })

  it('a bug of ours -> 1, said to be one, and where it happened only when that is asked for', async () => {
    const parts = { status: () => Promise.reject(new TypeError('x is undefined')) }
    const screen = await type(['status'], { parts })
    expect(screen.exit).toBe(1)
    expect(screen.errors).toContain('a bug in genesis-dr: x is undefined (BUG)')
    expect(screen.errors).not.toContain('    at ')
    expect((await type(['status'], { parts, debug: true })).errors).toContain('    at ')
  })

  it('the configuration is wrong -> 2, and no part of the system is made', async () => {
    const screen = await type(['status'], { config: 'nmae: genesis' })
    expect([screen.exit, screen.calls]).toEqual([2, []])
    expect(screen.errors).toContain('the nearest known one is "name"')
  })

  it('on a narrow screen -> every line of an error fits it', async () => {
    const screen = await type(['status', '--nothing-of-this-kind'], { live: true, columns: 50 })
    expect(Math.max(...screen.errors.split('\n').map((line) => line.length))).toBeLessThanOrEqual(50)
  })
})

describe('the options of every command', () => {
  it('--config, --db and --replica -> reach the configuration, with any command', async () => {
    const screen = await type(['status', '--config', 'a.yaml', '--db', 'b.db', '--replica', 'file:c'])
    expect(screen.flags).toEqual([{ config: 'a.yaml', database: 'b.db', replica: 'file:c' }])
    expect((await type(['status'])).flags).toEqual([{ config: null, database: null, replica: null }])
  })

  it.each(commands.filter((command) => command.name !== 'replicate').map((command) => command.name))(
    '%s --json -> one JSON value on stdout, and nothing else',
    async (name) => {
      const screen = await type([
        name,
        ...(least[name] ?? []),
        '--json',
        ...(['accept', 'execute', 'recover', 'stop-trading', 'resume-trading'].includes(name) ? ['--yes', 'genesis'] : []),
      ])
      expect(() => JSON.parse(screen.out)).not.toThrow()
      expect(screen.errors).toBe('')
      expect(screen.calls).toHaveLength(1)
    },
  )

  it('they stand before the command -> understood as behind it', async () => {
    for (const line of [
      ['--json', 'status'],
      ['--db', 'b.db', 'status', '--json'],
      ['--scenario', 'DATABASE_CORRUPTION', 'drill', '--json'],
    ]) {
      const screen = await type(line)
      expect([screen.errors, screen.calls.length, typeof JSON.parse(screen.out)]).toEqual(['', 1, 'object'])
    }
    expect((await type(['--config', 'a.yaml', '--replica', 'file:c', 'status'])).flags).toEqual([
      { config: 'a.yaml', database: null, replica: 'file:c' },
    ])
    expect(await type(['--dry-run', 'recover'])).toMatchObject({ exit: 0, asked: [], calls: [['recover', { dryRun: true }]] })
  })

  it('--json with colours -> no colour in the value', async () => {
    const screen = await type(['runs', 'show', run.runId, '--json'], { palette: colourPalette })
    expect(JSON.parse(screen.out)).toMatchObject({ runId: run.runId, result: { success: true } })
    expect(screen.out).not.toContain('\u001b')
  })
})

describe('a live command', () => {
  const line = ['execute', '--scenario', 'DATABASE_CORRUPTION']
  const live = [line, ['recover'], ['stop-trading'], ['resume-trading']]

  it.each(live)('%s: the name of the system is typed -> it runs', async (...words) => {
    const screen = await type(words, { answers: ['  genesis '] })
    expect([screen.exit, screen.calls.length]).toEqual([0, 1])
    expect(screen.asked).toHaveLength(1)
    expect(screen.asked[0]).toMatch(/^This will .* on genesis\. Type the name of the system to go on: $/)
  })

  it.each(live)('%s: --yes with the name -> it runs, and nobody is asked', async (...words) => {
    const screen = await type([...words, '--yes', 'genesis'], { answers: [] })
    expect([screen.exit, screen.calls.length, screen.asked]).toEqual([0, 1, []])
  })

  it.each([
    ['another name is typed', ['genesys'], [], 'the name was not typed'],
    ['nothing is typed', [''], [], 'the name was not typed'],
    ['there is no more input', [], [], 'the name was not typed'],
    ['nobody is there', null, [], 'this would stop trading and run DATABASE_CORRUPTION, and nobody is there to confirm it'],
    ['--yes has another name', ['genesis'], ['--yes', 'production'], '--yes production is not the name of this system, which is genesis'],
  ])('%s -> 4, and nothing is done', async (_, answers, more, what) => {
    const screen = await type([...line, ...more], { answers })
    expect([screen.exit, screen.calls]).toEqual([4, []])
    expect(screen.errors.replace(/\s+/g, ' ')).toContain(`error ${what} (CONFIRMATION_MISSING)`)
    expect(screen.errors).toContain('add --yes genesis')
  })

  it.each([
    [...line, '--dry-run'],
    ['recover', '--dry-run'],
    ['recover', '--output', 'look.db'],
    ['stop-trading', '--dry-run'],
  ])('%s %s %s %s -> changes nothing live, and is not confirmed', async (...words) => {
    const screen = await type(words.filter((word) => word !== undefined))
    expect([screen.exit, screen.calls.length, screen.asked]).toEqual([0, 1, []])
  })

  it('its name in the configuration has another case -> it is another name', async () => {
    expect((await type([...line, '--yes', 'Genesis'])).exit).toBe(4)
    expect((await type([...line, '--yes', 'Desk 7'], { config: 'name: Desk 7\nreplica: file:/r' })).exit).toBe(0)
  })

  it('what only looks -> has no --yes to give', async () => {
    for (const { name } of commands.filter((command) => command.changes !== 'live')) {
      const screen = await type([name, ...(least[name] ?? []), '--yes', 'genesis'])
      expect([name, screen.exit]).toEqual([name, 2])
    }
  })
})

describe('the exit status of execute', () => {
  const line = ['execute', '--scenario', 'DATABASE_CORRUPTION', '--yes', 'genesis']
  const ending = (over: Partial<typeof result>) => ({
    parts: { execute: async () => ({ ended: 'done' as const, result: { ...result, ...over } }) },
  })
  const failed = (outcome: 'failed' | 'unknown', code: ErrorCode, before = 0) => {
    const step = { ...result.steps[0], outcome, error: { code, what: 'W', untouched: 'U.', next: 'N.' } }
    return ending({ success: false, steps: [...Array.from({ length: before }, () => result.steps[0]), step] as typeof result.steps })
  }

  it.each([
    ['recovered', 0, ending({})],
    ['recovered, and nothing could be measured', 0, ending({ rtoMet: null, rpoMet: null })],
    ['recovered too late', 5, ending({ rtoMet: false })],
    ['recovered with too much lost', 5, ending({ rpoMet: false })],
    ['failed', 1, failed('failed', 'NO_GOOD_POINT', 1)],
    ['refused at its first step', 4, failed('failed', 'DATABASE_IN_USE')],
    ['not known how it ended', 3, failed('unknown', 'SERVICE_STOP_UNPROVEN')],
  ])('%s -> %d', async (_, exit, options) => {
    expect((await type(line, options)).exit).toBe(exit)
  })

  it('paused -> 130, and how to go on', async () => {
    const parts = { execute: async () => ({ ended: 'paused' as const, runId: 'run-1' }) }
    expect(await type(line, { parts })).toMatchObject({
      exit: 130,
      out: 'paused; go on with: genesis-dr execute --scenario DATABASE_CORRUPTION\n',
    })
    const asJson = await type([...line, '--json'], { parts })
    expect(JSON.parse(asJson.out)).toEqual({ runId: 'run-1', scenario: 'DATABASE_CORRUPTION', state: 'paused' })
  })
})
