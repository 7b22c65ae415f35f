/** Paths, users, settings and neighbours that a real host has sooner or later: each command goes on or says in our words why not. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { children } from '../hosts/children.ts'
import { setpriv } from '../hosts/needs.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { cliEntry, errorOf, genesis } from '../support/cli.ts'
import { query, until } from '../support/system.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'genesis-dr-surroundings-')))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (...parts: string[]): string => join(folder, ...parts)
const given = (database: string): string[] => ['--db', at(database), '--replica', `file:${at('replica')}`]

function makeDatabase(name: string): void {
  const made = new DatabaseSync(at(name))
  made.exec('PRAGMA journal_mode=WAL; CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)')
  made.exec("INSERT INTO orders (note) VALUES ('first')")
  made.close()
}

describe('with a capture that comes and goes', () => {
  const start = children()
  const capture = async (...words: readonly string[]) => {
    const child = start(process.execPath, [cliEntry, 'replicate', '--json', ...words], { cwd: folder })
    await child.line(/"attached"/)
    return child
  }

  it('the database is reached by a link, and commits stand in a log that was not copied -> none of them is lost', async () => {
    mkdirSync(at('real'))
    makeDatabase('real/bot.db')
    symlinkSync('real/bot.db', at('bot.db'))
    const program = `const { DatabaseSync } = require('node:sqlite')
      const bot = new DatabaseSync(${JSON.stringify(at('bot.db'))})
      const commit = () => bot.exec("INSERT INTO orders (note) VALUES ('more')")
      commit()
      console.log('begun')
      setInterval(() => bot, 1e6)
      process.on('SIGUSR2', () => {
        for (let each = 0; each < 100; each++) commit()
        console.log('committed')
      })`
    const bot = start(process.execPath, ['-e', program])
    await bot.line(/begun/)
    const copy = await capture(...given('bot.db'))
    process.kill(bot.pid, 'SIGUSR2')
    await bot.line(/committed/)
    await copy.end('SIGTERM')
    process.kill(bot.pid, 'SIGUSR2')
    await bot.line(/committed/)
    await bot.end('SIGKILL')
    const said = await genesis(['execute', '--scenario', 'DATABASE_CORRUPTION', '--json', '--yes', 'bot.db', ...given('bot.db')])
    expect(said.status, said.stdout + said.stderr).toBe(0)
    expect(JSON.parse(said.stdout)).toMatchObject({ success: true, lostTransactions: 0 })
    expect(query(at('real/bot.db'), 'SELECT count(*) AS rows FROM orders')).toEqual({ rows: 202 })
    expect(lstatSync(at('bot.db')).isSymbolicLink()).toBe(true)
  })

  it('another replica is configured than the capture that runs copies to -> said, and no recovery stops or moves anything', async () => {
    makeDatabase('bot.db')
    const copy = await capture('--db', at('bot.db'), '--replica', `file:${at('former')}`)
    cpSync(at('former'), at('replica'), { recursive: true, preserveTimestamps: true })
    const { ino } = lstatSync(at('bot.db'))
    const both = `copies to file:${at('former')}, and file:${at('replica')} is configured`
    for (const words of [
      ['execute', '--scenario', 'DATABASE_CORRUPTION', '--yes', 'bot.db'],
      ['recover', '--yes', 'bot.db'],
    ]) {
      const said = await genesis([...words, '--json', ...given('bot.db')])
      expect([words[0], said.status, said.stdout + said.stderr]).toEqual([words[0], 4, expect.stringContaining(both)])
    }
    const status = JSON.parse((await genesis(['status', '--json', ...given('bot.db')])).stdout)
    expect(status).toMatchObject({ ready: false, concerns: expect.arrayContaining([expect.stringContaining(both)]) })
    expect(status.replication).toMatchObject({ timeline: null, txid: null, lagMs: null, continuous: false })
    expect(lstatSync(at('bot.db')).ino).toBe(ino)
    // By another name of the same folder it is the same.
    symlinkSync('former', at('link'))
    const same = await genesis(
      ['execute', '--scenario', 'DATABASE_CORRUPTION', '--yes', 'bot.db', '--db', at('bot.db'), '--replica', 'file:link'],
      {
        cwd: folder,
      },
    )
    expect(same.status, same.stdout + same.stderr).toBe(0)
    await copy.end('SIGTERM')
  })

  it('a check never ends -> Ctrl-C twice ends the command at once; until then others are told what holds the lock', async () => {
    makeDatabase('bot.db')
    await (await capture(...given('bot.db'))).end('SIGTERM')
    const sql = 'WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT max(x) FROM t'
    const settings = { name: 'g', database: 'bot.db', replica: 'file:replica', checks: [{ name: 'endless', sql, equals: 1 }] }
    writeFileSync(at('genesis-dr.yaml'), JSON.stringify(settings))
    const validate = spawn(process.execPath, [cliEntry, 'validate'], { cwd: folder, stdio: 'ignore' })
    const ended = new Promise<number | null>((resolve) => validate.once('close', resolve))
    const checking = (): string => execFileSync('sh', ['-c', `pgrep -P ${validate.pid} || true`], { encoding: 'utf8' }).trim()
    await until(() => checking() !== '', 'the check is asked')
    const child = checking()
    const replicate = await genesis(['replicate'], { cwd: folder })
    expect([errorOf(replicate), replicate.status]).toEqual(['CAPTURE_RUNNING', 4])
    expect(replicate.stderr).toContain(`process ${validate.pid} is recovering or validating this database`)
    expect(replicate.stderr).toContain('Start again when it has ended.')
    const status = await genesis(['replication-status'], { cwd: folder })
    expect(status.status).toBe(3)
    expect(status.stdout.replaceAll(/\s+/g, ' ')).toContain(`process ${validate.pid} is recovering or validating this database`)
    validate.kill('SIGINT')
    await new Promise((resolve) => setTimeout(resolve, 200))
    validate.kill('SIGINT')
    expect(await ended).toBe(130)
    await until(() => !existsSync(`/proc/${child}/fd/0`), 'the process that asked the check has ended')
  })
})

describe('a path of the database that is no file', () => {
  it.each(['pipe', 'folder'])('a %s -> 2 at once, whatever is asked', async (kind) => {
    if (kind === 'pipe') execFileSync('mkfifo', [at('bot.db')])
    else mkdirSync(at('bot.db'))
    for (const words of [
      ['replicate'],
      ['recover', '--output', at('out.db')],
      ['execute', '--scenario', 'DATABASE_CORRUPTION', '--dry-run'],
    ]) {
      const said = await genesis([...words, ...given('bot.db')])
      expect([words[0], errorOf(said), said.status]).toEqual([words[0], 'CONFIG_INVALID', 2])
      expect(said.stderr).toContain(`the database ${at('bot.db')} is a ${kind}, not a file`)
    }
  })
})

describe('a webhook whose password holds a lone %', () => {
  it('-> 2, and the address is not shown', async () => {
    makeDatabase('bot.db')
    const said = await genesis(['status', ...given('bot.db')], {
      env: { DR_NOTIFICATION_WEBHOOK: 'https://ada:S3CRET%zz@hooks.example.com/S3CRET' },
    })
    expect([errorOf(said), said.status]).toEqual(['CONFIG_INVALID', 2])
    expect(said.stdout + said.stderr).not.toContain('S3CRET')
  })
})

describeWith([setpriv, linuxProc], 'a user without a name, as a container has it', () => {
  it('-> goes on, and is known by its number', async () => {
    makeDatabase('bot.db')
    chmodSync(folder, 0o777)
    const through = ['setpriv', '--reuid=54321', '--regid=54321', '--clear-groups']
    const said = await genesis(['stop-trading', ...given('bot.db'), '--yes', 'bot.db'], { through })
    expect(said.stderr).not.toContain('BUG')
    expect(said.stdout + said.stderr).not.toContain('uv_os_get_passwd')
    const status = await genesis(['status', '--json', ...given('bot.db')])
    expect(JSON.parse(status.stdout).halt.holder).toContain('uid 54321')
  })
})
