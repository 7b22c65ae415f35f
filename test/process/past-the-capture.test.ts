/** A bot commits where the capture cannot see it: that is said, and no recovery calls it damage or says that nothing is lost. */
import { linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
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
afterEach(() => rmSync(folder, { recursive: true, force: true }))

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
  ])('the bot dies, its log is deleted, and %s -> what that committed is not called covered', async (_, closed) => {
    await replicate()
    const program = `const { DatabaseSync } = require('node:sqlite'); const d = new DatabaseSync(${JSON.stringify(database())})
      for (let n = 0; n < 60; n++) d.exec('INSERT INTO t (x) VALUES (randomblob(3000))'); console.log('traded'); setInterval(() => d, 1000)`
    const first = start(process.execPath, ['-e', program])
    await first.line(/traded/)
    await first.end('SIGKILL')
    for (const suffix of ['-wal', '-shm']) rmSync(`${database()}${suffix}`)
    const second = new DatabaseSync(database())
    second.exec('CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x)')
    commit(second, 30)
    if (closed) second.close()
    const answer = await genesis(['validate', ...given(), '--json'])
    expect(JSON.parse(answer.stdout).notProven).toContain('the newest commits')
    if (!closed) {
      second.close()
      return
    }
    const { result } = await execute()
    expect(result).toMatchObject({ lostTransactions: null, dataLossMs: null })
    expect(result.steps.find(({ name }: { name: string }) => name === 'drain-replica')).toMatchObject({
      because: expect.stringContaining('more may have been committed'),
    })
  })
})
