/** The configuration: what it says, where each relative path counts from, and where exactly it is wrong. */
import { basename, dirname, resolve } from 'node:path/posix'
import { describe, expect, it } from 'vitest'
import { type Config, type ConfigInput, readConfig, settings } from './config.ts'
import { isDrError } from './errors.ts'

const input = (text: string | null, over: Partial<ConfigInput> = {}): ConfigInput => ({
  file: text === null ? null : { path: '/etc/desk/genesis-dr.yaml', text },
  flags: {},
  environment: {},
  workingFolder: '/desk',
  resolve,
  dirname,
  basename,
  realFile: (path) => path,
  ...over,
})
const read = (text: string | null, over: Partial<ConfigInput> = {}): Config => readConfig(input(text, over))
const refusal = (text: string | null, over: Partial<ConfigInput> = {}): string => {
  try {
    read(text, over)
  } catch (error) {
    if (isDrError(error, 'CONFIG_INVALID')) return error.message
    throw error
  }
  return 'nothing was refused'
}

describe('no configuration at all', () => {
  it('the database is named on the command line -> everything about it lies beside it, and its name is the name of the system', () => {
    expect(read(null, { flags: { database: 'data/trades.db', replica: 'file:./replica' } })).toMatchObject({
      name: 'trades.db',
      file: null,
      database: '/desk/data/trades.db',
      replica: { url: 'file:/desk/replica', path: '/desk/replica' },
      stateFolder: '/desk/data/.trades.db-dr',
      captureFolder: '/desk/data/.trades.db-dr',
      service: null,
      checks: [],
      webhooks: [],
      stopTimeoutMs: 10_000,
      flushIntervalMs: 50,
      scrubTurnMs: 3_600_000,
      integrity: 'quick',
      logPatterns: ['malformed', 'not a database', 'disk I/O error'],
    })
  })

  it('nothing is named -> the path of the mission, and no replica', () => {
    expect(read(null)).toMatchObject({ database: '/desk/.genesis/data/genesis.db', replica: null })
  })

  it('the file is empty, or holds nothing but remarks -> the same as its defaults', () => {
    for (const text of ['', '# nothing yet\n', '---\n']) {
      expect(read(text)).toMatchObject({
        name: 'genesis',
        database: '/etc/desk/.genesis/data/genesis.db',
        stateFolder: '/etc/desk/.genesis',
      })
    }
  })
})

describe('what the file says', () => {
  it('relative paths -> count from its folder, whatever the working directory is', () => {
    const text = 'database: data/bot.db\nreplica: file:backup\nservice: { command: [python3, bot.py], cwd: bot }\n'
    expect(read(text)).toMatchObject({
      file: '/etc/desk/genesis-dr.yaml',
      database: '/etc/desk/data/bot.db',
      replica: { url: 'file:/etc/desk/backup', path: '/etc/desk/backup' },
      stateFolder: '/etc/desk/.genesis',
      captureFolder: '/etc/desk/data/.bot.db-dr',
      service: { command: ['python3', 'bot.py'], cwd: '/etc/desk/bot' },
    })
    expect(read('service: { command: [bot] }')).toMatchObject({ service: { cwd: '/etc/desk' } })
    expect(read('service: { compose: trader }').service).toEqual({ compose: 'trader', at: { folder: '/etc/desk' } })
    expect(read('service: { compose: trader, file: bot/docker-compose.yml }').service).toEqual({
      compose: 'trader',
      at: { file: '/etc/desk/bot/docker-compose.yml' },
    })
  })

  it('its own path is relative -> it counts from the working directory', () => {
    expect(read(null, { file: { path: 'conf/x.yaml', text: 'database: bot.db' } })).toMatchObject({
      file: '/desk/conf/x.yaml',
      database: '/desk/conf/bot.db',
    })
  })

  it.each([
    ['file:/mnt/replica', '/mnt/replica'],
    ['file:///mnt/replica', '/mnt/replica'],
    ['file:./replica', '/etc/desk/replica'],
    ['file:../replica', '/etc/replica'],
  ])('the replica is %s -> the folder %s', (url, path) => {
    expect(read(`replica: ${url}`).replica).toEqual({ url: `file:${path}`, path })
  })

  it('flags are given too -> they win, and count from the working directory', () => {
    const over = { flags: { database: 'other.db', replica: 'file:copy' } }
    expect(read('database: bot.db\nreplica: file:backup', over)).toMatchObject({
      database: '/desk/other.db',
      replica: { url: 'file:/desk/copy', path: '/desk/copy' },
      stateFolder: '/etc/desk/.genesis',
    })
  })

  it('the environment names a webhook -> one more, after those of the file', () => {
    const text = 'notify: [{ webhook: "https://hooks.example.com/a" }]'
    expect(read(text, { environment: { webhook: 'https://hooks.example.com/b' } }).webhooks).toEqual([
      'https://hooks.example.com/a',
      'https://hooks.example.com/b',
    ])
  })

  it('seconds and milliseconds -> each in its own unit', () => {
    expect(read('stopTimeout: 2.5\nflushInterval: 0')).toMatchObject({ stopTimeoutMs: 2500, flushIntervalMs: 0 })
  })

  it.each(Object.entries(settings))('the example of %s -> is one', (key, { example }) => {
    expect(refusal(`${key}: ${example}`)).toBe('nothing was refused')
  })

  it.each([
    "SELECT ';'",
    'SELECT 1;',
    'SELECT 1 -- ; not; one',
    "SELECT ''';' || \"a;b\" /* ; */;",
    'SELECT [a;b], `c;d` FROM t; /* the end',
  ])('the check %s -> one statement', (sql) => {
    expect(read(JSON.stringify({ checks: [{ name: 'x', sql, equals: '1764112345123456789' }] })).checks).toMatchObject([{ sql }])
  })

  it('the database is a symbolic link -> what is beside it counts from the file itself', () => {
    const realFile = (path: string): string => path.replace('/desk/link', '/srv/real')
    expect(read(null, { flags: { database: 'link/bot.db' }, realFile })).toMatchObject({
      database: '/srv/real/bot.db',
      stateFolder: '/srv/real/.bot.db-dr',
    })
  })

  it('all examples in one file -> a configuration with all of them', () => {
    const config = read(
      Object.entries(settings)
        .map(([key, { example }]) => `${key}: ${example}`)
        .join('\n'),
    )
    expect(config).toMatchObject({
      name: 'genesis',
      service: { systemd: 'genesis-trading' },
      checks: [{ name: 'no orphans', equals: 0 }],
      links: { 'Primary Dashboard': 'https://monitor.example.com' },
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it('every setting -> has a help, an example and a default to show', () => {
    for (const { help, example, byDefault } of Object.values(settings)) {
      expect(Math.min(help.length, example.length, byDefault.length)).toBeGreaterThan(0)
    }
  })
})

describe('what is wrong with it', () => {
  it.each([
    ['databse', '; the nearest known one is "database"'],
    ['stop_timeout', '; the nearest known one is "stopTimeout"'],
    ['checkz', '; the nearest known one is "checks"'],
    ['colour', ''],
  ])('an unknown key %s -> its line, and the nearest word if there is one', (key, near) => {
    expect(refusal(`# a remark\nname: genesis\n\n${key}: 1\n`)).toBe(`/etc/desk/genesis-dr.yaml:4: unknown key "${key}"${near}`)
  })

  it.each(['offsite', 'databases', 'ledger', 'exchange', 'onStop', 'topology'])(
    '%s, a word of the whole product -> not known in this version',
    (key) => {
      expect(refusal(`name: genesis\n${key}: {}`)).toBe(`/etc/desk/genesis-dr.yaml:2: "${key}" is not known in this version`)
    },
  )

  it.each([
    ['name: ""', 1, 'name'],
    ['name:\n', 1, 'name'],
    ['a: 1\nname: 7', 1, 'unknown key "a"'],
    ['name: x\nstopTimeout: soon', 2, 'stopTimeout'],
    ['name: x\nstopTimeout: 0', 2, 'stopTimeout'],
    ['name: x\nintegrity: thorough', 2, 'integrity'],
    ['name: x\nflushInterval: -1', 2, 'flushInterval'],
    ['checks: [{ name: x, sql: "SELECT 1" }]', 1, 'checks.0.equals'],
    ['checks:\n  - { name: x, sql: "SELECT 1", equals: 1, unless: 2 }', 1, 'checks.0'],
    ['checks: [{ name: x, sql: "SELECT 0; SELECT 1", equals: 0 }]', 1, 'checks.0.sql: is not exactly one statement'],
    ['checks: [{ name: x, sql: "-- nothing", equals: 0 }]', 1, 'checks.0.sql: is not exactly one statement'],
    ['checks: [{ name: x, sql: " ; ", equals: 0 }]', 1, 'checks.0.sql'],
    ['checks: [{ name: x, sql: "SELECT 1", equals: 1764112345123456789 }]', 1, 'checks.0.equals: '],
    ['logPatterns: ["("]', 1, 'logPatterns.0: is not a regular expression'],
    ['logPatterns: ["malformed", ""]', 1, 'logPatterns.1: is not a regular expression, or matches everything'],
    ['notify: [{ webhook: "not a url" }]', 1, 'notify.0.webhook'],
    ['service: { systemd: "" }', 1, 'service'],
    ['service: { command: [] }', 1, 'service'],
    ['links: { Board: "nowhere" }', 1, 'links.Board'],
  ])('%j -> the line and the place, with an example where one helps', (text, line, where) => {
    const said = refusal(text)
    expect(said).toContain(`/etc/desk/genesis-dr.yaml:${line}: ${where}`)
    if (!where.startsWith('unknown')) expect(said).toContain('Example: ')
  })

  it('it is no YAML, or has a key twice -> the line of it', () => {
    expect(refusal('name: genesis\nchecks: [')).toMatch(/^\/etc\/desk\/genesis-dr\.yaml:\d: /)
    expect(refusal('name: a\nname: b')).toMatch(/^\/etc\/desk\/genesis-dr\.yaml:2: .*unique/)
  })

  it.each(['- name: genesis', 'genesis', '42'])('it is %j, not a list of keys -> said', (text) => {
    expect(refusal(text)).toBe('/etc/desk/genesis-dr.yaml:1: a configuration is a list of "key: value" lines')
  })

  it.each(['s3://bucket/prefix'])('the replica is %s -> this version copies to folders only', (url) => {
    const said = `the replica ${url} is in an object store; this version copies to folders only`
    expect(refusal(`replica: ${url}`)).toBe(said)
    expect(refusal(null, { flags: { replica: url } })).toBe(said)
  })

  it.each(['', 'file:', 'file://host/path', './replica', '/replica', 'ftp://host/x'])(
    'the replica is %j -> no URL that is known',
    (replica) => {
      expect(refusal(null, { flags: { replica } })).toBe(
        `the replica "${replica}" is not a URL that is known; give file:PATH, for example file:./replica`,
      )
    },
  )

  it('DR_S3_BUCKET names a bucket and nothing names a folder -> refused, not passed over; with a folder -> the folder', () => {
    const environment = { bucket: 'genesis-backups' }
    expect(refusal('name: genesis', { environment })).toBe('DR_S3_BUCKET names a bucket; this version copies to folders only')
    expect(read('replica: file:backup', { environment }).replica?.path).toBe('/etc/desk/backup')
    expect(read(null, { environment, flags: { replica: 'file:copy' } }).replica?.path).toBe('/desk/copy')
  })
})
