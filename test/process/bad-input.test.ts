/** Whatever is wrong with what a person gives: a clear error with its exit status, and nothing lost. */
import { spawn } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { setpriv, unshare } from '../hosts/needs.ts'
import { describeWith, python } from '../needs.ts'
import { errorOf, genesis, hashOf } from '../support/cli.ts'
import { query, until } from '../support/system.ts'

/** Made once: a database of three restore points with its replica, to be copied by each test. */
let model = ''
let folder = ''
let database = ''
let replica = ''

function makeDatabase(path: string, mode: 'WAL' | 'DELETE', rows = 200): void {
  const made = new DatabaseSync(path)
  made.exec(`PRAGMA journal_mode=${mode}; CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)`)
  const insert = made.prepare('INSERT INTO orders (note) VALUES (hex(randomblob(60)))')
  for (let row = 0; row < rows; row++) insert.run()
  made.close()
}

/** Starts a capture by the command line, lets `work` happen under it, and ends it by SIGTERM; what it said. */
async function captured(
  words: readonly string[],
  work: () => Promise<void>,
): Promise<{ readonly status: number | null; readonly stdout: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../src/entries/cli.ts'), 'replicate', '--json', ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let stdout = ''
  child.stdout.on('data', (text: Buffer) => {
    stdout += text.toString()
  })
  await until(() => stdout.includes('"attached"') || child.exitCode !== null, 'the capture is attached')
  await work()
  child.kill('SIGTERM')
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { status, stdout }
}

beforeAll(async () => {
  model = mkdtempSync(join(tmpdir(), 'genesis-dr-model-'))
  const path = join(model, 'bot.db')
  makeDatabase(path, 'WAL')
  const bot = new DatabaseSync(path)
  const flushes = (text: string): number => readdirSync(join(model, 'replica/00000001/ltx', text)).length
  const { status, stdout } = await captured(['--db', path, '--replica', `file:${join(model, 'replica')}`], async () => {
    for (const wanted of [1, 2]) {
      bot.exec("INSERT INTO orders (note) VALUES ('more')")
      await until(() => existsSync(join(model, 'replica/00000001/ltx/0')) && flushes('0') >= wanted, `flush ${wanted}`)
    }
  })
  bot.close()
  expect(status).toBe(0)
  expect(stdout).toContain('it survives corruption, not the loss of this disk')
})
afterAll(() => rmSync(model, { recursive: true }))

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-bad-'))
  database = join(folder, 'bot.db')
  replica = join(folder, 'replica')
  cpSync(join(model, 'bot.db'), database)
  cpSync(join(model, 'replica'), replica, { recursive: true, preserveTimestamps: true })
  // As if it had been captured here: the replica says whose copy it is.
  const record = join(replica, '00000001/timeline.json')
  writeFileSync(record, readFileSync(record, 'utf8').replaceAll(join(model, 'bot.db'), database))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const given = (): string[] => ['--db', database, '--replica', `file:${replica}`]
const flushFile = (txid: number): string => join(replica, '00000001/ltx/0', `${txid}`.padStart(16, '0').replace(/^(.*)$/, '$1-$1.ltx'))

describe('a database that cannot be followed', () => {
  const refused = async (code: string, status = 2): Promise<void> => {
    const before = existsSync(database) && statSync(database).isFile() ? hashOf(database) : null
    const said = await genesis(['replicate', '--db', database, '--replica', `file:${join(folder, 'new')}`])
    expect([errorOf(said), said.status]).toEqual([code, status])
    expect(existsSync(join(folder, 'new'))).toBe(false)
    if (before !== null) expect(hashOf(database)).toBe(before)
  }

  it('it is missing -> 2, and none is made', async () => {
    rmSync(database)
    await refused('DATABASE_MISSING')
    expect(existsSync(database)).toBe(false)
  })

  it('it is not SQLite, or empty -> 2', async () => {
    writeFileSync(database, 'just a text\n'.repeat(100))
    await refused('DATABASE_NOT_SQLITE')
    writeFileSync(database, '')
    await refused('DATABASE_NOT_SQLITE')
  })

  it('it is a folder -> an error of ours', async () => {
    rmSync(database)
    cpSync(replica, database, { recursive: true })
    const said = await genesis(['replicate', '--db', database, '--replica', `file:${join(folder, 'new')}`])
    expect(errorOf(said)).not.toContain('BUG')
    expect(said.status).toBeGreaterThan(0)
  })

  it('it is in rollback-journal mode -> 2, and what it says to do switches it', async () => {
    rmSync(database)
    makeDatabase(database, 'DELETE')
    await refused('DATABASE_NOT_WAL')
    const said = await genesis(['replicate', ...given()])
    const [, words = ''] = /genesis-dr (init .* --wal)/.exec(said.stderr) ?? []
    expect((await genesis(words.split(' '), { cwd: folder })).status).toBe(0)
    expect(readFileSync(database)[18]).toBe(2)
  })

  it('another program keeps it with locking_mode=EXCLUSIVE -> 2', async () => {
    // In a process of its own: this one reads the file, which would drop its locks.
    const program = `import { DatabaseSync } from 'node:sqlite'
      const held = new DatabaseSync(${JSON.stringify(database)})
      held.exec("PRAGMA locking_mode=EXCLUSIVE; INSERT INTO orders (note) VALUES ('mine')")
      console.log('held')
      setTimeout(() => {}, 60_000)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', program])
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    await refused('DATABASE_EXCLUSIVE')
    holder.kill('SIGKILL')
  })
})

describeWith([setpriv], 'a database that this user may only read', () => {
  it('-> 2, nothing published', async () => {
    chmodSync(folder, 0o755)
    chmodSync(database, 0o644)
    const through = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const said = await genesis(['replicate', ...given()], { through })
    expect([errorOf(said), said.status]).toEqual(['DATABASE_READ_ONLY', 2])
  })
})

describe('a replica that does not give what was asked for', () => {
  const output = (): string => join(folder, 'out.db')
  const refused = async (words: readonly string[], code: string, status: number): Promise<string> => {
    const before = hashOf(database)
    const said = await genesis(['recover', ...given(), '--output', output(), ...words])
    expect([errorOf(said), said.status]).toEqual([code, status])
    expect(existsSync(output())).toBe(false)
    expect(readdirSync(folder).filter((name) => name !== '.bot.db-dr')).toEqual(['bot.db', 'replica'])
    expect(hashOf(database)).toBe(before)
    return said.stderr
  }

  it('it is sound -> the newest point, with everything in it', async () => {
    const said = await genesis(['recover', ...given(), '--output', output(), '--json'])
    expect(said.status).toBe(0)
    expect(JSON.parse(said.stdout)).toMatchObject({
      output: output(),
      timeline: '00000001',
      txid: '0000000000000003',
      filesRead: 3,
      notes: [],
    })
    expect(query(output(), 'SELECT count(*) AS rows FROM orders')).toEqual({ rows: 202 })
  })

  it('it is not there -> 1', async () => {
    rmSync(replica, { recursive: true })
    const said = await genesis(['recover', ...given(), '--output', output()])
    expect([errorOf(said), said.status]).toEqual(['REPLICA_EMPTY', 1])
    expect([existsSync(output()), existsSync(replica)]).toEqual([false, false])
  })

  it('a flush between two others is missing -> 1, and it says which point is before the gap', async () => {
    rmSync(flushFile(2))
    expect(await refused([], 'REPLICA_GAP', 1)).toContain('--txid 0000000000000001')
    const status = await genesis(['backup-status', ...given()])
    expect(status.stdout).toContain('GAP')
  })

  it('its newest file was copied by half -> 1 naming it; --last-good takes the one before', async () => {
    truncateSync(flushFile(3), 150)
    expect(await refused([], 'VERIFICATION_FAILED', 1)).toContain('0000000000000003-0000000000000003.ltx')
    const said = await genesis(['recover', ...given(), '--output', output(), '--last-good', '--json'])
    expect([said.status, JSON.parse(said.stdout).txid]).toEqual([0, '0000000000000002'])
    expect(query(output(), 'SELECT count(*) AS rows FROM orders')).toEqual({ rows: 201 })
  })

  it('one bit of its snapshot flipped -> 1, whatever is asked for', async () => {
    const path = join(replica, '00000001/ltx/9/0000000000000001-0000000000000001.ltx')
    const bytes = readFileSync(path)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 4
    writeFileSync(path, bytes)
    await refused([], 'VERIFICATION_FAILED', 1)
    await refused(['--last-good'], 'NO_GOOD_POINT', 1)
    const said = await genesis(['validate', ...given()])
    expect(said.status).not.toBe(0)
  })

  it('its timeline record is garbage -> 1, not a guess', async () => {
    writeFileSync(join(replica, '00000001/timeline.json'), '{')
    await refused([], 'LTX_DAMAGED', 1)
  })

  it('a time before the first or after the last point, a txid or a timeline that is not there -> 2', async () => {
    await refused(['--timestamp', '2001-01-01'], 'POINT_NOT_FOUND', 2)
    await refused(['--timestamp', '2901-01-01T00:00:00Z'], 'POINT_NOT_FOUND', 2)
    await refused(['--txid', '00000000000000ff'], 'POINT_NOT_FOUND', 2)
    await refused(['--timeline', '00000007'], 'POINT_NOT_FOUND', 2)
    await refused(['--txid', 'zz'], 'USAGE', 2)
    await refused(['--timestamp', 'yesterday'], 'USAGE', 2)
    await refused(['--timestamp', '2901-01-01', '--txid', '1'], 'USAGE', 2)
  })

  it.each([[], ['--last-good'], ['--txid', '0000000000000001']])(
    'a timeline that is not there, in place of the database, with %j -> 2, and no run began',
    async (...point) => {
      const before = hashOf(database)
      for (const last of [['--dry-run'], ['--yes', 'bot.db']]) {
        const said = await genesis(['recover', ...given(), ...point, '--timeline', 'deadbeef', ...last])
        expect([errorOf(said), said.status]).toEqual(['POINT_NOT_FOUND', 2])
      }
      expect([hashOf(database), existsSync(join(folder, '.bot.db-dr/journal'))]).toEqual([before, false])
    },
  )

  it('the output is a name that SQLite or the copy would take for its own -> 2, and it is not there afterwards', async () => {
    for (const path of [`${database}-journal`, join(replica, '00000002'), database]) {
      const before = existsSync(path)
      const said = await genesis(['recover', ...given(), '--output', path])
      expect([said.status, errorOf(said), existsSync(path)]).toEqual([2, 'USAGE', before])
    }
    expect((await genesis(['recover', ...given(), '--output', '--dry-run'])).status).toBe(2)
    expect(existsSync(join(folder, '--dry-run'))).toBe(false)
  })

  it('a check of the configuration is wrong -> a point that is named can be had all the same, and it is told', async () => {
    const config = join(folder, 'look.yaml')
    const check = { name: 'mine', sql: 'SELECT count(*) FROM nope', equals: 0 }
    writeFileSync(config, JSON.stringify({ database, replica: `file:${replica}`, checks: [check] }))
    const said = await genesis(['recover', '--config', config, '--txid', '0000000000000001', '--output', output(), '--json'])
    expect(JSON.parse(said.stdout)).toMatchObject({ notes: [expect.stringMatching(/^your check "mine" does not hold in it: /)] })
    expect([said.status, existsSync(output())]).toEqual([0, true])
  })

  it('an alias of YAML has no anchor -> CONFIG_INVALID, and no bug of ours', async () => {
    const config = join(folder, 'look.yaml')
    writeFileSync(config, 'logPatterns: [*.db]\n')
    expect(errorOf(await genesis(['status', '--config', config]))).toBe('CONFIG_INVALID')
  })

  it('whoever reads the result is slow -> all of it arrives', async () => {
    const config = join(folder, 'look.yaml')
    const check = { name: 'long', sql: 'SELECT hex(zeroblob(200000))', equals: 'x' }
    writeFileSync(config, JSON.stringify({ database, replica: `file:${replica}`, checks: [check] }))
    const slow = ['sh', '-c', '"$@" | { sleep 0.5; cat; }', 'sh']
    const said = await genesis(['validate', '--config', config, '--json'], { through: slow })
    expect(said.stdout.length).toBeGreaterThan(65_536)
    expect(JSON.parse(said.stdout)).toMatchObject({ success: false })
  })

  it('something stands at the output -> 4, and it stays', async () => {
    writeFileSync(output(), 'mine')
    const said = await genesis(['recover', ...given(), '--output', output()])
    expect([errorOf(said), said.status]).toEqual(['OUTPUT_EXISTS', 4])
    expect(readFileSync(output(), 'utf8')).toBe('mine')
  })

  it('it belongs to another database -> replicate refuses with 4, and publishes nothing', async () => {
    const other = join(folder, 'other.db')
    makeDatabase(other, 'WAL', 900)
    const before = readdirSync(replica, { recursive: true }).length
    const said = await genesis(['replicate', '--db', other, '--replica', `file:${replica}`])
    expect([errorOf(said), said.status]).toEqual(['DATABASE_OTHER', 4])
    expect(readdirSync(replica, { recursive: true })).toHaveLength(before)
  })

  it('it belongs to another database -> no recovery puts that in place of this one, dry or not', async () => {
    const other = join(folder, 'other.db')
    makeDatabase(other, 'WAL', 900)
    const [before, timelines] = [hashOf(other), readdirSync(replica)]
    const wrong = ['--db', other, '--replica', `file:${replica}`]
    for (const words of [['execute', '--scenario', 'DATABASE_CORRUPTION'], ['recover']]) {
      const said = await genesis([...words, ...wrong, '--yes', 'other.db'])
      expect([said.status, said.stdout + said.stderr]).toEqual([4, expect.stringMatching(/is a copy of\s+\S+bot\.db/)])
      expect((await genesis([...words, ...wrong, '--dry-run'])).status).toBe(4)
    }
    expect([hashOf(other), readdirSync(replica)]).toEqual([before, timelines])
    const status = await genesis(['status', ...wrong, '--json'])
    expect(JSON.parse(status.stdout).concerns.join()).toMatch(/is a copy of .*bot\.db/)
  })

  it('its URL is of another kind, or of a later version -> 2', async () => {
    for (const url of ['http://x/y', 's3://bucket/prefix', 'file:', 'replica']) {
      const said = await genesis(['status', '--db', database, '--replica', url])
      expect([url, errorOf(said), said.status]).toEqual([url, 'CONFIG_INVALID', 2])
    }
  })
})

describeWith([unshare], 'a disk that is full', () => {
  const onSmallDisk = (script: string): readonly string[] => [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `mkdir -p ${folder}/small && mount -t tmpfs -o size=256k tmpfs ${folder}/small && ${script}; "$@"; echo "left: $(ls ${folder}/small)"`,
    'sh',
  ]

  it('no room for what is recovered -> 1, and nothing half written at the output', async () => {
    const through = onSmallDisk(`head -c 240k /dev/zero >${folder}/small/ballast`)
    const said = await genesis(['recover', ...given(), '--output', join(folder, 'small/out.db')], { through })
    expect(errorOf(said)).toBe('DISK_FULL')
    expect(said.stdout).toContain('left: ballast\n')
  })

  it('no room for the replica -> the capture says so, and the database is as it was', async () => {
    const before = hashOf(database)
    const through = onSmallDisk(`head -c 250k /dev/zero >${folder}/small/ballast`)
    const said = await genesis(['replicate', '--db', database, '--replica', `file:${folder}/small/replica`], { through })
    expect(errorOf(said)).toBe('DISK_FULL')
    expect(hashOf(database)).toBe(before)
  })
})

describe('a configuration', () => {
  const withConfig = async (text: string): Promise<{ readonly code: string; readonly status: number | null; readonly stderr: string }> => {
    writeFileSync(join(folder, 'genesis-dr.yaml'), text)
    const said = await genesis(['status'], { cwd: folder })
    return { code: errorOf(said), status: said.status, stderr: said.stderr }
  }

  it('with an unknown key -> 2, with its line and the nearest known one', async () => {
    const said = await withConfig('name: mine\nreplcia: file:./replica\n')
    expect(said).toMatchObject({ code: 'CONFIG_INVALID', status: 2 })
    expect(said.stderr).toContain('genesis-dr.yaml:2: unknown key "replcia"; the nearest known one is "replica"')
  })

  it('that is no YAML, a list, has a wrong value, or is not where --config says -> 2', async () => {
    expect((await withConfig('name: [')).code).toBe('CONFIG_INVALID')
    expect((await withConfig('- a\n- b\n')).code).toBe('CONFIG_INVALID')
    expect((await withConfig('stopTimeout: soon\n')).stderr).toContain('genesis-dr.yaml:1')
    expect((await withConfig('checks: [{ name: x, sql: "SELECT 1" }]\n')).stderr).toContain('equals')
    const said = await genesis(['status', '--config', join(folder, 'absent.yaml')])
    expect([errorOf(said), said.status]).toEqual(['CONFIG_INVALID', 2])
  })
})

describeWith([python], 'a live database', () => {
  it('no service, and a process has it open -> execute and recover in place refuse with 4, naming it; nothing is touched', async () => {
    const holder = spawn('python3', [
      '-c',
      `import sqlite3, time\nc = sqlite3.connect(${JSON.stringify(database)})\nc.execute('SELECT count(*) FROM orders').fetchall()\nprint('open', flush=True)\ntime.sleep(60)`,
    ])
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    const before = hashOf(database)
    for (const words of [['execute', '--scenario', 'DATABASE_CORRUPTION'], ['recover'], ['stop-trading']]) {
      const said = await genesis([...words, ...given(), '--yes', 'bot.db'])
      expect([words[0], said.status]).toEqual([words[0], 4])
      expect(said.stdout + said.stderr).toContain(`process ${holder.pid}`)
    }
    expect(hashOf(database)).toBe(before)
    expect(existsSync(join(folder, '.bot.db-dr', 'evidence'))).toBe(false)
    holder.kill('SIGKILL')
  })

  it('a changing command without the name of the system -> 4; with another name -> 4', async () => {
    for (const words of [['execute', '--scenario', 'DATABASE_CORRUPTION'], ['recover'], ['stop-trading'], ['resume-trading']]) {
      for (const name of [[], ['--yes', 'wrong']]) {
        const said = await genesis([...words, ...given(), ...name])
        expect([words[0], errorOf(said), said.status]).toEqual([words[0], 'CONFIRMATION_MISSING', 4])
      }
    }
  })
})
