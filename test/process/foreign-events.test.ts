/**
 * What other programs and the bot itself may do to a live database that does not take it away from us: after each of it nothing is missing,
 * and what is restored is the database, page for page. What takes files away stands in capture-fooled.test.ts; all of it at once, with
 * kills, is the storm.
 */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { resultCode } from '../../src/adapters/sqlite/errors.ts'
import { must } from '../../src/assert.ts'
import { describeWith, linuxProc, litestream, python } from '../needs.ts'
import { requireSamePages } from '../storm/proof.ts'
import { endDaemon, replicaUrl, restoreByLitestream, sha256Of, startDaemon } from '../support/oracles.ts'
import { holdsReadMark } from '../support/read-marks.ts'
import {
  type Capture,
  clear,
  end,
  makeSystem,
  pause,
  query,
  restoreNewest,
  startCapture,
  startWriter,
  type TestSystem,
  until,
  witnessed,
} from '../support/system.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

const client = () => captureClient(system.settings.captureFolder)
const shape = ['--rate', '400', '--payload', '2000', '--page-size', '1024']

const sqliteBusy = 5
/** Of the other programs. */
const busyTimeoutMs = 100

class Stage {
  bot: ChildProcess
  capture: Capture
  constructor(bot: ChildProcess, capture: Capture) {
    this.bot = bot
    this.capture = capture
  }

  /** Another program opens the database, asks, and goes. What it was told. @throws as SQLite */
  tool(...statements: readonly string[]): readonly unknown[] {
    const database = new DatabaseSync(system.database, { timeout: busyTimeoutMs })
    try {
      return statements.map((sql) => Object.values(database.prepare(sql).get() ?? {}))
    } finally {
      database.close()
    }
  }

  async restartBot(signal: NodeJS.Signals): Promise<void> {
    await end(system, this.bot, signal)
    this.bot = await startWriter(system, ...shape)
  }
}

/** Work of another program, tried again while somebody else writes. */
async function inPause(work: () => unknown, what: string): Promise<void> {
  await until(() => {
    try {
      work()
      return true
    } catch (error) {
      if (resultCode(error) === sqliteBusy) return false
      throw error
    }
  }, what)
}

/** It waits for our pin as long as it waits for anybody, and says then that it was not completed. */
async function expectNotCompleted({ tool, capture }: Stage, kind: 'FULL' | 'RESTART' | 'TRUNCATE'): Promise<void> {
  // From its first look at new commits on the pin stays where it is until the log is large; before, it may move to the end meanwhile.
  await until(() => capture.events.some(({ type }) => type === 'flushed'), 'the capture sees new commits')
  const began = performance.now()
  const told = tool(`PRAGMA wal_checkpoint(${kind})`)
  // SQLite counts what it sleeps, in whole ms.
  expect(performance.now() - began).toBeGreaterThan(busyTimeoutMs - 10)
  expect(told).toEqual([[1, expect.any(Number), expect.any(Number)]])
  const [log, done] = told.flat().map(Number).slice(1)
  expect(done).toBeLessThan(log ?? 0)
}

async function moreCommits(count: number): Promise<void> {
  const then = witnessed(system).length
  await until(() => witnessed(system).length >= then + count, `${count} more commits`)
}

/** Event -> what is to be seen of it at once. Afterwards, always: everything is there. */
const beside: Readonly<Record<string, (stage: Stage) => Promise<void>>> = {
  'PASSIVE checkpoint by another program': async ({ tool }) => {
    // While another one is at work, which may be the bot's own, it says that it is busy.
    const done = (): boolean => Number(tool('PRAGMA wal_checkpoint(PASSIVE)').flat()[0]) === 0
    await until(done, 'a checkpoint while no other is at work')
  },
  'FULL checkpoint by another program': async (stage) => expectNotCompleted(stage, 'FULL'),
  'RESTART checkpoint by another program': async (stage) => expectNotCompleted(stage, 'RESTART'),
  'TRUNCATE checkpoint by another program': async (stage) => expectNotCompleted(stage, 'TRUNCATE'),
  'VACUUM by another program': async ({ tool }) => {
    await inPause(() => tool('UPDATE ticks SET payload = NULL WHERE seq % 2 = 0'), 'an UPDATE between two commits')
    await inPause(() => tool('VACUUM'), 'a VACUUM between two commits')
  },
  'growth by 40 MiB in one transaction, then a shrink to a few pages': async ({ tool }) => {
    const database = new DatabaseSync(system.database, { timeout: 5000 })
    database.exec('BEGIN IMMEDIATE; CREATE TABLE big (x BLOB)')
    const insert = database.prepare('INSERT INTO big VALUES (randomblob(1048576))')
    for (let each = 0; each < 40; each++) insert.run()
    database.exec('COMMIT')
    const grown = Number(query(system.database, 'PRAGMA page_count')['page_count'])
    database.exec('DROP TABLE big')
    database.close()
    await inPause(() => tool('VACUUM'), 'a VACUUM between two commits')
    expect(Number(query(system.database, 'PRAGMA page_count')['page_count'])).toBeLessThan(grown / 10)
  },
  'an attempt to leave WAL mode': async ({ tool }) => {
    expect(() => tool('PRAGMA journal_mode=DELETE')).toThrow('locked')
    expect(query(system.database, 'PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' })
  },
  'an attempt to change the page size': async ({ tool }) => {
    await inPause(() => tool('PRAGMA page_size=8192', 'VACUUM'), 'a VACUUM between two commits')
    expect(query(system.database, 'PRAGMA page_size')).toEqual({ page_size: 1024 })
  },
  'an attempt to keep the database for oneself (locking_mode=EXCLUSIVE)': async ({ tool }) => {
    expect(() => tool('PRAGMA locking_mode=EXCLUSIVE', 'BEGIN IMMEDIATE')).toThrow('locked')
  },
  'the bot closes its last connection and opens again': async (stage) => {
    for (let time = 0; time < 3; time++) await stage.restartBot('SIGTERM')
  },
  'the bot is killed and started again': async (stage) => {
    for (let time = 0; time < 3; time++) await stage.restartBot('SIGKILL')
  },
  'the capture is suspended for 2 s': async ({ capture }) => {
    capture.process.kill('SIGSTOP')
    // It is not at work on the log at that moment, so that the bot does not even feel it.
    for (let half = 0; half < 4; half++) {
      const then = witnessed(system).length
      await pause(500)
      expect(witnessed(system).length).toBeGreaterThan(then)
    }
    expect(holdsReadMark(capture.process.pid, system.database)).toBe(true)
    capture.process.kill('SIGCONT')
  },
}

/** Everything that was acknowledged is in the replica, the restored file is the database, and Litestream restores the same bytes. */
async function expectEverything({ bot, capture }: Stage): Promise<void> {
  await end(system, bot, 'SIGTERM')
  expect(await client().drain()).toMatchObject({ complete: true })
  expect(await client().position()).toMatchObject({ continuous: true, damage: null, trouble: null, pendingCommits: 0 })
  expect(capture.process.exitCode).toBeNull()
  const { path } = await restoreNewest(system, 'restored.db')
  requireSamePages(system.database, path, join(system.folder, 'live.db'))
  const rows = query(path, 'SELECT count(*) AS rows, max(seq) AS last, sum(amount) AS sum FROM ticks')
  const last = must(witnessed(system).at(-1), 'the bot was told of commits')
  expect(rows).toEqual({ rows: last.seq, last: last.seq, sum: last.sum })
  if (litestream.found === null) return
  const theirs = await restoreByLitestream(system, replicaUrl(system.replica, '00000001'), 'theirs.db', null)
  expect([theirs.status, theirs.status === 0 ? '' : theirs.errors]).toEqual([0, ''])
  expect(sha256Of(theirs.path)).toBe(sha256Of(path))
}

async function begin(): Promise<Stage> {
  const bot = await startWriter(system, ...shape)
  const capture = await startCapture(system)
  expect(capture.errors()).toBe('')
  await moreCommits(20)
  return new Stage(bot, capture)
}

describeWith([python, linuxProc], 'beside a bot and its capture', () => {
  it.each(Object.entries(beside))('%s -> nothing is missing', async (_name, event) => {
    const stage = await begin()
    await event(stage)
    await moreCommits(20)
    await expectEverything(stage)
    expect(stage.capture.events.filter(({ type }) => type === 'warning')).toEqual([])
  })
})

describeWith([python, linuxProc, litestream], 'a second tool of the same kind', () => {
  it('a real Litestream daemon on the same database -> nothing is missing', async () => {
    const stage = await begin()
    const theirs = { ...system, replica: join(system.folder, 'theirs') }
    const daemon = await startDaemon(theirs)
    await moreCommits(200)
    expect(await endDaemon(theirs, daemon)).toBe(0)
    await moreCommits(20)
    await expectEverything(stage)
    expect(stage.capture.events.filter(({ type }) => type === 'warning')).toEqual([])
  })
})

describeWith([python], 'a bot that stops inside of COMMIT', () => {
  // With synchronous=FULL most of its time is the wait for the disk between the frames of a commit and the word that it is done.
  const full = ['--rate', '0', '--synchronous', 'FULL']

  it('it is suspended there for longer than a second, twice -> the capture waits, and goes on with it', async () => {
    const bot = await startWriter(system, ...full)
    const stage = new Stage(bot, await startCapture(system))
    for (let time = 0; time < 2; time++) {
      await moreCommits(50)
      bot.kill('SIGSTOP')
      await pause(1400)
      bot.kill('SIGCONT')
    }
    await moreCommits(50)
    await expectEverything(stage)
    expect(stage.capture.events.filter(({ type }) => type === 'warning')).toEqual([])
  })

  it('it is killed there, and nobody commits for a while -> the same, when it is back', async () => {
    const stage = new Stage(await startWriter(system, ...full), await startCapture(system))
    for (let time = 0; time < 2; time++) {
      await moreCommits(50)
      await end(system, stage.bot, 'SIGKILL')
      await pause(1400)
      stage.bot = await startWriter(system, ...full)
    }
    await moreCommits(50)
    await expectEverything(stage)
    expect(stage.capture.events.filter(({ type }) => type === 'warning')).toEqual([])
  })
})

describeWith([python], 'a quiet bot', () => {
  it('TRUNCATE checkpoints of an empty log, one after the other -> the capture follows, because its pin stands', async () => {
    const bot = await startWriter(system, ...shape)
    const idle = new DatabaseSync(system.database)
    idle.prepare('SELECT count(*) FROM ticks').get()
    await end(system, bot, 'SIGTERM')
    // The log stays, because somebody has it open, and the file has all of it.
    expect(idle.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()).toMatchObject({ busy: 0, log: expect.any(Number) })
    const capture = await startCapture(system)
    const stage = new Stage(bot, capture)
    for (let time = 0; time < 3; time++) expect(stage.tool('PRAGMA wal_checkpoint(TRUNCATE)')).toEqual([[0, 0, 0]])
    stage.bot = await startWriter(system, ...shape)
    await moreCommits(20)
    idle.close()
    await moreCommits(20)
    await expectEverything(stage)
    expect(capture.events.filter(({ type }) => type === 'attached')).toHaveLength(1)
  })
})
