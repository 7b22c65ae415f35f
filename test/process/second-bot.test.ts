/** Whoever starts the bot behind the back of a recovery: it is found, the database stays under it, and no second one is started. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { witnessedLoss } from '../../src/drill/loss.ts'
import type { Child, Start } from '../hosts/children.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { cliEntry, errorOf } from '../support/cli.ts'
import { type Desk, withDesk } from '../support/desk.ts'
import { until } from '../support/system.ts'

// Mostly these wait.
vi.setConfig({ testTimeout: 120_000, maxConcurrency: 3 })

const execute = ['execute', '--scenario', 'DATABASE_CORRUPTION']
const yes = ['--yes', 'desk']

interface Room {
  readonly desk: Desk
  readonly start: Start
  /** As the configuration says, and behind its back. */
  startBot(cwd?: string): Child
  genesis(...words: readonly string[]): Child
  tradesOn(): Promise<void>
  keepsAll(): Promise<void>
}

const inRoom = (story: (room: Room) => Promise<void>): Promise<void> =>
  withDesk((desk, start) => {
    const command = (): readonly string[] => JSON.parse(readFileSync(join(desk.folder, 'genesis-dr.yaml'), 'utf8')).service.command
    const room: Room = {
      desk,
      start,
      startBot: (cwd = desk.folder) => start(command()[0] ?? '', command().slice(1), { cwd }),
      genesis: (...words) =>
        start(process.execPath, [cliEntry, ...words, '--json', '--config', join(desk.folder, 'genesis-dr.yaml')], { cwd: desk.folder }),
      tradesOn: async () => {
        const before = desk.acknowledged().length
        await until(() => desk.acknowledged().length > before + 10, 'the bot trades')
      },
      keepsAll: async () => {
        await desk.run(['stop-trading', ...yes])
        const { DatabaseSync } = await import('node:sqlite')
        const database = new DatabaseSync(desk.database, { readOnly: true })
        const ids = database
          .prepare('SELECT id FROM orders')
          .all()
          .map((row) => String(row['id']))
        database.close()
        expect(witnessedLoss(desk.acknowledged(), new Set(ids)).lostOrders).toEqual([])
      },
    }
    return story(room)
  })

describeWith([linuxProc], 'a bot that is started by hand, or by a supervisor, while a recovery is under way', () => {
  /** A check that takes as long as it takes to do something meanwhile. */
  const countingTo = (count: number) => ({
    name: 'slow',
    sql: `WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM t WHERE x<${count}) SELECT max(x) FROM t`,
    equals: count,
  })
  const slowCheck = countingTo(6_000_000)

  it.concurrent('the bot is started while recover in place checks its candidate -> DATABASE_IN_USE, and it trades on, on the same file', () =>
    inRoom(async ({ desk, startBot, genesis, tradesOn, keepsAll }) => {
      await desk.replicate()
      await desk.run(['stop-trading', ...yes])
      desk.configure({ checks: [slowCheck] })
      const inode = statSync(desk.database).ino
      const recovery = genesis('recover', ...yes)
      await until(() => readdirSync(desk.folder).some((name) => name.includes('.genesis-dr-')), 'it restores its candidate')
      startBot()
      expect(await recovery.end()).toBe(1)
      expect(statSync(desk.database).ino).toBe(inode)
      await tradesOn()
      const { value } = await desk.json(['runs'])
      expect(String(Object(value.at(-1)).because)).toMatch(/preserve-evidence: .* is open in process \d+/)
      await keepsAll()
    }))

  it.concurrent('a bot runs that was started by hand, from another folder -> resume-trading starts no second one', () =>
    inRoom(async ({ desk, startBot, tradesOn }) => {
      await desk.run(['stop-trading', ...yes])
      startBot('/')
      await tradesOn()
      const refused = await desk.run(['resume-trading', ...yes])
      expect([errorOf(refused), refused.status]).toEqual(['DATABASE_IN_USE', 4])
      expect(existsSync(join(desk.state, 'halt.json'))).toBe(true)
    }))

  it.concurrent('every file of the database is deleted under a bot that nobody manages -> it is named, and never "nobody has it open"', () =>
    inRoom(async ({ desk, start }) => {
      await desk.replicate()
      desk.configure({ service: undefined })
      // The bot of the desk ends when its log is gone, and may make an empty file first; many hold on.
      const program = `const { DatabaseSync } = require('node:sqlite')
      const d = new DatabaseSync(${JSON.stringify(desk.database)}, { timeout: 5000 })
      d.prepare('SELECT count(*) FROM orders').get(); console.log('open'); setInterval(() => d, 1000)`
      await start(process.execPath, ['-e', program]).line(/open/)
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${desk.database}${suffix}`)
      const stopped = await desk.run(['stop-trading', ...yes])
      expect([errorOf(stopped), stopped.status]).toEqual(['DATABASE_IN_USE', 4])
      const recovery = await desk.json([...execute, ...yes])
      expect(recovery.value).toMatchObject({ success: false, because: expect.stringMatching(/is open in process \d+/) })
      expect(existsSync(join(desk.state, 'evidence'))).toBe(false)
    }))

  it.concurrent('something opens the database for an instant each time -> stop-trading says that it is not stopped', () =>
    inRoom(async ({ desk, start }) => {
      await desk.replicate()
      await desk.run(['stop-trading', ...yes])
      const program = `const { DatabaseSync } = require('node:sqlite')
      setInterval(() => { const d = new DatabaseSync(${JSON.stringify(desk.database)}, { timeout: 1000 }); d.exec('CREATE TABLE IF NOT EXISTS ticks (at); INSERT INTO ticks VALUES (1)'); d.close(); console.log('tick') }, 200)`
      const ticker = start(process.execPath, ['-e', program])
      await ticker.line(/tick/)
      const stopped = await desk.run(['stop-trading', ...yes])
      expect([errorOf(stopped), stopped.status]).toEqual(['SERVICE_STOP_UNPROVEN', 3])
      expect(stopped.stderr).toMatch(/it is committed to|still has the database open/)
      await ticker.end('SIGKILL')
      expect((await desk.run(['stop-trading', ...yes])).status).toBe(0)
    }))

  it.concurrent('a person stops trading while execute is under way -> the run ends HALTED, and the bot stays stopped', () =>
    inRoom(async ({ desk, genesis }) => {
      await desk.replicate()
      desk.configure({ checks: [slowCheck] })
      const run = genesis(...execute, ...yes)
      await until(() => existsSync(join(desk.state, 'halt.json')), 'it has stopped the bot')
      await until(() => readdirSync(desk.folder).some((name) => name.includes('.genesis-dr-')), 'it restores its candidate')
      const stopped = await desk.run(['stop-trading', ...yes])
      expect(await run.end()).toBe(1)
      expect(stopped.status).toBe(0)
      const { value } = await desk.json(['status'])
      expect(value).toMatchObject({ service: { running: 'no' }, halt: { holder: expect.stringMatching(/^person:/) } })
      expect(Object(value['lastRun']).because).toContain('a halt latch of person:')
    }))

  it.concurrent('a person stopped trading before -> the dry run and the first step say that execute will not start the bot, and it does not', () =>
    inRoom(async ({ desk }) => {
      await desk.replicate()
      await desk.run(['stop-trading', ...yes])
      const dry = await desk.json([...execute, '--dry-run'])
      expect(String(dry.value['because'])).toMatch(/would not recover .*resume-trading: a halt latch of person:/)
      const { value } = await desk.json([...execute, ...yes])
      expect(value).toMatchObject({
        success: false,
        because: expect.stringMatching(/a halt latch of person:/),
        steps: expect.arrayContaining([
          expect.objectContaining({ name: 'stop-trading', because: expect.stringMatching(/this run does not start the bot$/) }),
        ]),
      })
      expect((await desk.json(['status'])).value).toMatchObject({ service: { running: 'no' } })
    }))

  it.concurrent('another configuration, of another folder, is of the same database -> the latch of a person holds for it too, and so does a run', () =>
    inRoom(async ({ desk, start }) => {
      await desk.replicate()
      const other = join(desk.folder, 'other')
      mkdirSync(other)
      const settings = JSON.parse(readFileSync(join(desk.folder, 'genesis-dr.yaml'), 'utf8'))
      const there = { ...settings, database: desk.database, replica: `file:${join(desk.folder, 'replica')}` }
      writeFileSync(join(other, 'genesis-dr.yaml'), JSON.stringify(there))
      const config = ['--config', join(other, 'genesis-dr.yaml')]
      await desk.run(['stop-trading', ...yes])
      const held = await desk.json([...execute, ...yes, ...config])
      expect(held.value).toMatchObject({ success: false, because: expect.stringMatching(/halt latch of person:/) })
      const status = await desk.json(['status', ...config])
      expect(status.value).toMatchObject({ service: { running: 'no' }, halt: { holder: expect.stringMatching(/^person:/) } })
      expect((await desk.run(['resume-trading', ...yes])).status).toBe(0)

      // Longer than a whole program of ours takes to start on a busy machine, and to ask.
      desk.configure({ checks: [countingTo(20_000_000)] })
      const run = start(process.execPath, [cliEntry, ...execute, ...yes, '--json', '--config', join(desk.folder, 'genesis-dr.yaml')])
      await until(() => readdirSync(desk.folder).some((name) => name.includes('.genesis-dr-')), 'it restores its candidate')
      const second = await desk.run([...execute, ...yes, ...config])
      expect([errorOf(second), second.status]).toEqual(['RUN_ACTIVE', 4])
      expect(await run.end()).toBe(0)
    }))

  it.concurrent('two executes at once -> one recovers, the other is refused, and nothing is recovered twice', () =>
    inRoom(async ({ desk, genesis }) => {
      await desk.replicate()
      const both = [genesis(...execute, ...yes), genesis(...execute, ...yes)]
      const statuses = await Promise.all(both.map((one) => one.end()))
      expect(statuses.sort()).toEqual([0, 4])
      expect((await desk.json(['runs'])).value).toHaveLength(1)
    }))

  it.concurrent('execute on a timeline that is not there -> refused, and nothing is stopped', () =>
    inRoom(async ({ desk, tradesOn }) => {
      await desk.replicate()
      const refused = await desk.run([...execute, '--timeline', '00000009', ...yes])
      expect([errorOf(refused), refused.status]).toEqual(['POINT_NOT_FOUND', 2])
      expect((await desk.json(['runs'])).value).toEqual([])
      await tradesOn()
    }))

  it.concurrent('a dry run on a database at rest -> nothing appears beside it', () =>
    inRoom(async ({ desk }) => {
      await desk.run(['stop-trading', ...yes])
      const { DatabaseSync } = await import('node:sqlite')
      const database = new DatabaseSync(desk.database)
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      database.close()
      const capture = await desk.replicate()
      await capture.end('SIGTERM')
      for (const suffix of ['-wal', '-shm']) rmSync(`${desk.database}${suffix}`, { force: true })
      const before = readdirSync(desk.folder)
      const dry = await desk.json([...execute, '--dry-run'])
      expect(String(dry.value['because'])).toContain('no probe detects damage now')
      expect(readdirSync(desk.folder)).toEqual(before)
    }))
})
