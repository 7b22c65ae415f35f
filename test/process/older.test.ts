/** A database that went back in time: what the replica has beyond it stays, is counted, and is told until somebody has decided. */
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { genesis } from '../support/cli.ts'
import { type Capture, clear, end, makeSystem, query, restoreNewest, startCapture, type TestSystem, until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
let bot: DatabaseSync
let capture: Capture
/** Between two drains nothing is flushed, so that a flush has as many commits as the test makes. */
const never = { flushIntervalMs: 60_000 }
const suffixes = ['', '-wal', '-shm']
const client = () => captureClient(system.settings.captureFolder)
const open = (): DatabaseSync => {
  const database = new DatabaseSync(system.database)
  database.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, x)')
  return database
}
/** Each on pages of its own, as a bot with more than one table does it. */
const commit = (times = 1): void => {
  for (let time = 0; time < times; time++) bot.exec('INSERT INTO t (x) VALUES (randomblob(9000))')
}
const flushed = async (times = 1): Promise<void> => {
  commit(times)
  expect((await client().drain()).complete).toBe(true)
}
/** Another connection counts up the change counter of the file, which tells later that it went back. */
const reconnect = (): void => {
  bot.close()
  bot = open()
}
const saved = (): string => join(system.folder, 'saved')
/** The files as a snapshot of the disk would have them. */
const save = (): void => {
  mkdirSync(saved())
  for (const suffix of ['', '-wal'])
    if (existsSync(`${system.database}${suffix}`)) copyFileSync(`${system.database}${suffix}`, join(saved(), `bot.db${suffix}`))
  cpSync(system.settings.captureFolder, join(saved(), 'capture'), { recursive: true, filter: (path) => !/(lock|pid|sock)/.test(path) })
}
/** The bot and its capture are gone as in a loss of power, and the saved files are there. In the same inode, as a rolled-back disk has it. */
const goBack = async (): Promise<void> => {
  await end(system, capture.process, 'SIGKILL')
  bot.close()
  for (const suffix of suffixes.slice(1)) rmSync(`${system.database}${suffix}`, { force: true })
  writeFileSync(system.database, readFileSync(join(saved(), 'bot.db')))
  if (existsSync(join(saved(), 'bot.db-wal'))) copyFileSync(join(saved(), 'bot.db-wal'), `${system.database}-wal`)
}
const start = async (): Promise<void> => {
  capture = await startCapture(system, never)
  await until(() => capture.process.exitCode !== null || capture.events.some(({ type }) => type === 'older'), 'the word that it is older')
  expect(capture.errors()).toBe('')
}
const rows = async (): Promise<unknown> => {
  await client().drain()
  const { path } = await restoreNewest(system, `restored-${performance.now()}.db`)
  return query(path, 'SELECT count(*) AS rows FROM t')['rows']
}
const attached = () => capture.events.find(({ type }) => type === 'attached')
const older = () => capture.events.find(({ type }) => type === 'older')

beforeEach(async () => {
  system = makeSystem()
  bot = open()
  commit(20)
  capture = await startCapture(system, never)
  // The first one after a quiet time is flushed at once.
  commit()
  await until(() => capture.events.some(({ type }) => type === 'flushed'), 'the first flush')
  await flushed()
})
afterEach(() => clear(system))

describe('after a loss of power the database is older than its replica', () => {
  it('its log ends where a flush did -> a new timeline from there, and exactly the commits of the later flushes are missing', async () => {
    save()
    await flushed(3)
    await flushed(2)
    await goBack()
    await start()
    expect(attached()).toMatchObject({ do: 'fork', timeline: '00000002', txid: 3 })
    expect(older()).toMatchObject({ parent: '00000001', forkTxid: 3, commits: { least: 5, most: 5 } })
    expect(await rows()).toBe(22)
  })

  it('its log ends between two flushes -> what is missing is a range by the commits of the flush that it ends in', async () => {
    commit(1)
    save()
    await flushed(2)
    await flushed(4)
    await goBack()
    await start()
    expect(attached()).toMatchObject({ do: 'fork', because: expect.stringContaining('by its log what came right after'), txid: 4 })
    expect(older()).toMatchObject({ forkTxid: 3, commits: { least: 4, most: 7 } })
    expect(await rows()).toBe(23)
  })

  it('and the bot went on before anybody looked -> the same, and what it did since is protected', async () => {
    save()
    await flushed(3)
    await goBack()
    bot = open()
    commit(5)
    await start()
    expect(attached()).toMatchObject({ do: 'fork', timeline: '00000002' })
    expect(older()).toMatchObject({ forkTxid: 3, commits: { least: 0, most: 3 } })
    expect(await rows()).toBe(27)
  })
})

describe('it went back, and nobody has decided about it', () => {
  const lacking = async () => {
    const { older: all } = JSON.parse(
      (await genesis(['status', '--db', system.database, '--replica', `file:${system.replica}`, '--json'])).stdout,
    )
    return all
  }

  it('and it goes back again -> both are told, each with its timeline', async () => {
    save()
    await flushed(3)
    await goBack()
    await start()
    bot = open()
    await flushed(4)
    await goBack()
    rmSync(`${system.settings.captureFolder}/page-sums`, { force: true })
    await start()
    expect(await lacking()).toMatchObject([
      { parent: '00000001', forkTxid: 3, commits: { least: 3, most: 3 } },
      { parent: '00000002', forkTxid: 3, replica: null },
    ])
    const accepted = await genesis([
      'accept',
      '--timeline',
      '00000002',
      '--yes',
      'bot.db',
      '--db',
      system.database,
      '--replica',
      `file:${system.replica}`,
    ])
    expect(accepted.status, accepted.stderr).toBe(0)
    expect(await lacking()).toMatchObject([{ parent: '00000001' }])
  })

  it('and another replica is configured -> still told, as of the former one', async () => {
    save()
    await flushed(3)
    await goBack()
    await start()
    await end(system, capture.process, 'SIGKILL')
    const former = `file:${system.replica}`
    const replica = join(system.folder, 'new-replica')
    capture = await startCapture(system, { ...never, replica: { url: `file:${replica}`, path: replica } })
    const { stdout } = await genesis(['status', '--db', system.database, '--replica', `file:${replica}`, '--json'])
    expect(JSON.parse(stdout).concerns.join()).toContain(
      `the replica ${former} has commits, not known how many, that the database lacks (timeline 00000001)`,
    )
  })
})

describe('an old file without a log stands in the place of the database', () => {
  const settle = (): void => {
    const copy = new DatabaseSync(join(saved(), 'bot.db'))
    copy.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    copy.close()
  }

  it('it is what the replica had between two flushes -> a new timeline after the nearest one, and a range of what is missing', async () => {
    commit(1)
    save()
    settle()
    reconnect()
    await flushed(2)
    await flushed(4)
    await goBack()
    await start()
    expect(attached()).toMatchObject({ do: 'fork', because: expect.stringContaining('by its pages what came right after'), txid: 4 })
    expect(older()).toMatchObject({ forkTxid: 3, commits: { least: 4, most: 7 } })
    expect(await rows()).toBe(23)
  })

  it('the disk with everything of ours on it was rolled back -> found all the same', async () => {
    commit(1)
    save()
    settle()
    reconnect()
    await flushed(1)
    for (let flush = 0; flush < 8; flush++) await flushed()
    await goBack()
    rmSync(system.settings.captureFolder, { recursive: true })
    cpSync(join(saved(), 'capture'), system.settings.captureFolder, { recursive: true })
    await start()
    expect(older()).toMatchObject({ forkTxid: 3, commits: { least: 8, most: 10 } })
    expect(await rows()).toBe(23)
  })
})

describe('the same pages come back', () => {
  const flag = async (state: string): Promise<void> => {
    bot.prepare('UPDATE flags SET busy = ?').run(state)
    await client().drain()
  }
  beforeEach(async () => {
    bot.exec("CREATE TABLE flags (busy TEXT); INSERT INTO flags VALUES ('no ')")
    await client().drain()
    for (const state of ['yes', 'no ', 'yes']) await flag(state)
    await end(system, capture.process, 'SIGKILL')
    bot.exec("UPDATE flags SET busy = 'no '")
  })

  it('the bot went on unseen, and its log began anew -> it went on, and nobody is told of commits that it lacks', async () => {
    bot.exec('PRAGMA wal_checkpoint(RESTART)')
    bot.exec("UPDATE flags SET busy = 'yes'; PRAGMA wal_checkpoint(RESTART); UPDATE flags SET busy = 'no '")
    capture = await startCapture(system, never)
    expect([attached()?.do, older()]).toEqual(['diff', undefined])
  })

  it('and nothing tells whether it went on or back -> it is said that it may lack some, or none', async () => {
    bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    await start()
    expect(older()).toMatchObject({ commits: { least: 0, most: 1 } })
  })
})

describe('it grew, and shrank unseen', () => {
  it('by VACUUM -> it went on; it is not the older database of before it grew', async () => {
    const change = (where: string): void => bot.exec(`UPDATE t SET x = randomblob(3000) WHERE ${where}`)
    change('n < 4')
    await client().drain()
    commit(100)
    await client().drain()
    change('n < 7')
    await client().drain()
    await end(system, capture.process, 'SIGKILL')
    bot.exec('DELETE FROM t WHERE n > 20')
    change('n > 15')
    bot.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_checkpoint(TRUNCATE)')
    change('n = 2')
    capture = await startCapture(system, never)
    expect([attached()?.do, older()]).toEqual([expect.stringMatching(/^(diff|snapshot)$/), undefined])
  })
})

describe('it is told until somebody has decided', () => {
  beforeEach(async () => {
    save()
    await flushed(3)
    await goBack()
  })

  it('the capture is started again -> it says it again, and what was given up stays reachable', async () => {
    await start()
    await end(system, capture.process, 'SIGKILL')
    await start()
    expect(attached()).toMatchObject({ do: 'continue', timeline: '00000002' })
    expect(older()).toMatchObject({ parent: '00000001', commits: { least: 3, most: 3 } })
  })

  it('the capture dies between the new timeline and writing down why -> it says so all the same', async () => {
    const before = readFileSync(join(system.settings.captureFolder, 'capture.json'))
    await start()
    await end(system, capture.process, 'SIGKILL')
    writeFileSync(join(system.settings.captureFolder, 'capture.json'), before)
    await start()
    expect(older()).toMatchObject({ parent: '00000001', forkTxid: 3, commits: { least: 0, most: 3 } })
  })
})

describe('a person decides', () => {
  const cli = (...words: string[]) =>
    genesis([...words, '--db', system.database, '--replica', `file:${system.replica}`], { cwd: system.folder })
  beforeEach(async () => {
    save()
    await flushed(3)
    await goBack()
    await start()
  })
  const told = async (): Promise<boolean> =>
    (await cli('status')).stdout.replace(/\s+/g, ' ').includes('the replica has 3 commits that the database lacks')

  it('they are not wanted -> not told again, also by the next capture; accepted twice -> there is nothing to accept', async () => {
    expect(await told()).toBe(true)
    const other = await cli('accept', '--timeline', '00000002', '--yes', 'bot.db')
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('the database parted from timeline 00000001, not 00000002')])
    expect((await cli('accept', '--timeline', '1', '--yes', 'bot.db')).status).toBe(0)
    expect(await told()).toBe(false)
    await end(system, capture.process, 'SIGKILL')
    capture = await startCapture(system, never)
    expect([attached()?.do, older(), await told()]).toEqual(['continue', undefined, false])
    expect((await cli('accept', '--timeline', '1', '--yes', 'bot.db')).status).toBe(2)
  })

  it.each([
    ['by the capture', async () => {}],
    ['at rest', () => end(system, capture.process, 'SIGKILL')],
  ])('another recovery comes first, %s -> it decides nothing: told as before, and it can be accepted', async (_, before) => {
    await before()
    expect((await cli('recover', '--txid', '2', '--yes', 'bot.db')).status).toBe(0)
    expect(await told()).toBe(true)
    expect((await cli('accept', '--timeline', '1', '--yes', 'bot.db')).status).toBe(0)
    expect(await told()).toBe(false)
  })

  it('they are wanted -> recover brings them back, and the new timeline has no question', async () => {
    expect((await cli('recover', '--timeline', '00000001', '--yes', 'bot.db')).status).toBe(0)
    expect((await client().position()).timeline).toBe('00000003')
    expect(query(system.database, 'SELECT count(*) AS rows FROM t')['rows']).toBe(25)
    expect(await told()).toBe(false)
  })
})

describe('the page checksums that a capture kept are a hint only', () => {
  const path = (): string => join(system.settings.captureFolder, 'page-sums')
  it.each<[string, () => void]>([
    ['are of before the last flushes', () => writeFileSync(path(), kept)],
    ['are noise', () => writeFileSync(path(), Buffer.concat([kept.subarray(0, 4096), Buffer.alloc(4096, 7)]))],
    ['are cut short', () => writeFileSync(path(), kept.subarray(0, 5000))],
    ['have no head', () => writeFileSync(path(), Buffer.alloc(8192, 1))],
    ['are gone', () => rmSync(path())],
  ])('they %s -> the capture goes on as if nothing had been, and what it publishes is right', async (_, spoil) => {
    await flushed(3)
    await end(system, capture.process, 'SIGKILL')
    spoil()
    commit(2)
    capture = await startCapture(system, never)
    expect([attached()?.do, capture.errors()]).toEqual(['continue', ''])
    commit(1)
    expect(await rows()).toBe(28)
  })

  let kept: Buffer
  beforeEach(() => {
    kept = readFileSync(path())
  })
})
