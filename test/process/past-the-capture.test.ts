/** A bot commits where the capture cannot see it: that is said, and no recovery calls it damage or says that nothing is lost. */
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { children } from '../hosts/children.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { cliEntry, genesis } from '../support/cli.ts'
import { query } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'genesis-dr-past-')))
  for (const name of ['bot', 'elsewhere']) mkdirSync(join(folder, name))
  const made = new DatabaseSync(database())
  made.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (n INTEGER PRIMARY KEY, x)')
  made.close()
})
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const database = (): string => join(folder, 'bot/bot.db')
const given = (): string[] => ['--db', database(), '--replica', `file:${join(folder, 'replica')}`]
const execute = async () => {
  const { status, stdout } = await genesis(['execute', '--scenario', 'DATABASE_CORRUPTION', ...given(), '--yes', 'bot.db', '--json'])
  return { status, result: JSON.parse(stdout) }
}
const commit = (bot: DatabaseSync, times: number): void => {
  for (let time = 0; time < times; time++) bot.exec('INSERT INTO t (x) VALUES (randomblob(3000))')
}

describeWith([linuxProc], 'commits past the capture', () => {
  const start = children()
  const replicate = async () => {
    const child = start(process.execPath, [cliEntry, 'replicate', '--json', ...given()])
    await child.line(/"attached"/)
    return child
  }

  /** It has made 60 commits, which a reader of its own keeps from being put into the file, and goes on to have the database open. */
  const trade = async () => {
    const program = `const { DatabaseSync } = require('node:sqlite'); const [d, r] = [0, 1].map(() => new DatabaseSync(${JSON.stringify(database())}))
      r.exec('BEGIN'); r.prepare('SELECT count(*) FROM t').get()
      for (let n = 0; n < 60; n++) d.exec('INSERT INTO t (x) VALUES (randomblob(3000))'); console.log('traded'); setInterval(() => [d, r], 1000)`
    const bot = start(process.execPath, ['-e', program])
    await bot.line(/traded/)
    return bot
  }
  const anew = (): DatabaseSync => {
    const bot = new DatabaseSync(database())
    bot.exec('CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x)')
    return bot
  }

  it('the bot has the file open under another name -> not covered, and a recovery is refused before anything is stopped', async () => {
    await replicate()
    const other = join(folder, 'elsewhere/bot.db')
    linkSync(database(), other)
    const bot = new DatabaseSync(other)
    commit(bot, 60)
    const status = JSON.parse((await genesis(['status', ...given(), '--json'])).stdout)
    expect(status).toMatchObject({ ready: false, replication: { lagMs: null, pending: null, continuous: false } })
    expect(status.concerns.join()).toMatch(/process \d+ .* under another name, with a log of its own \(\S+elsewhere\/bot\.db-wal\)/)
    const refused = await execute()
    expect(refused).toMatchObject({ status: 4, result: { because: expect.stringContaining('under another name') } })

    // Nobody has it open any more, and all of it is in the file.
    bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    bot.close()
    expect(query(database(), 'SELECT count(*) AS rows FROM t')).toEqual({ rows: 60 })
    const { result } = await execute()
    expect(result).toMatchObject({ lostTransactions: null, dataLossMs: null })
    expect(result.steps.map(({ because }: { because: string }) => because).join()).toMatch(/somebody committed to it past the capture/)
  })

  it.each([
    ['a new bot trades', false],
    ['a new bot traded, and closed it', true],
  ])('the log is deleted under a bot, and %s -> what that committed is not called covered', async (_, closed) => {
    await replicate()
    const first = await trade()
    for (const suffix of ['-wal', '-shm']) rmSync(`${database()}${suffix}`)
    const second = anew()
    commit(second, 30)
    if (closed) second.close()
    const answer = await genesis(['validate', ...given(), '--json'])
    expect(JSON.parse(answer.stdout).notProven).toContain('the newest commits')
    await first.end('SIGKILL')
    if (!closed) {
      second.close()
      return
    }
    const { result } = await execute()
    // Not known, or, where the capture has followed the new log meanwhile, what went with the old one.
    expect([null, 60]).toContain(result.lostTransactions)
    expect(result.dataLossMs).toBeNull()
    expect(result.steps.map(({ because }: { because: string }) => because).join()).toMatch(
      /more may have been committed|has 60 commits that the database lacks/,
    )
  })

  it('the bot dies, its log is deleted, and a new bot trades -> followed by itself, and what the file lacks is said', async () => {
    const capture = await replicate()
    const first = await trade()
    await first.end('SIGKILL')
    for (const suffix of ['-wal', '-shm']) rmSync(`${database()}${suffix}`)
    const second = anew()
    commit(second, 30)
    expect(JSON.parse(await capture.line(/"attached"/))).toMatchObject({ timeline: '00000002' })
    commit(second, 10)
    const restored = join(folder, 'r.db')
    const drained = () => captureClient(join(folder, 'bot/.bot.db-dr')).drain()
    expect(await drained()).toMatchObject({ timeline: '00000002', complete: true })
    expect((await genesis(['recover', ...given(), '--output', restored, '--json'])).status).toBe(0)
    const has = second.prepare('SELECT count(*) AS rows FROM t').get() ?? {}
    expect(query(restored, 'SELECT count(*) AS rows FROM t')).toEqual(has)
    const { concerns } = JSON.parse((await genesis(['status', ...given(), '--json'])).stdout)
    expect(concerns.join()).toContain('the replica has 60 commits that the database lacks (timeline 00000001)')
    second.close()
  })
})
