/** Rot in a file whose log nobody followed for a while: what is proven stays proven, and what is known to be damaged is never copied. */
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { genesis } from '../support/cli.ts'
import { type Capture, clear, end, makeSystem, query, restoreNewest, startCapture, type TestSystem, until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
  bot(`database.exec('CREATE TABLE t (i INTEGER PRIMARY KEY, s)')`, rows(0, 500), checkpoint)
})
afterEach(() => clear(system))

/** A life of the bot: it does that, and is killed. */
function bot(...work: readonly string[]): void {
  const script = `const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(${JSON.stringify(system.database)}, { timeout: 5000 })
    database.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0')
    ${work.join('\n')}
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => {})`
  try {
    execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'ignore', 'pipe'] })
  } catch (error) {
    if (!(error instanceof Error && 'signal' in error && error.signal === 'SIGKILL')) throw error
  }
}

const checkpoint = `database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()`
const rows = (from: number, to: number): string => `database.exec('BEGIN')
  for (let i = ${from}; i < ${to}; i++)
    database.prepare('INSERT INTO t VALUES (?, ?)').run(i, 'row' + String(i).padStart(6, '0') + ' ' + 'x'.repeat(400))
  database.exec('COMMIT')`

/** Bytes of a row in the middle of the file, of which no commit is. Which page that is. */
function rot(): number {
  const at = readFileSync(system.database).indexOf('row000100 ') + 100
  const file = openSync(system.database, 'r+')
  writeSync(file, 'ROT', at)
  closeSync(file)
  return Math.floor(at / 4096) + 1
}

const client = () => captureClient(system.settings.captureFolder)
const attachedOf = (capture: Capture) => capture.events.find(({ type }) => type === 'attached')

async function follow(): Promise<Capture> {
  const capture = await startCapture(system)
  expect(capture.errors()).toBe('')
  return capture
}

/** What the replica gives now: how many rows, and how many of them are rotten. */
async function restored(): Promise<Record<string, unknown>> {
  await client().drain()
  const { path } = await restoreNewest(system, `restored-${performance.now()}.db`)
  return query(path, "SELECT count(*) AS rows, sum(instr(s, 'ROT') > 0) AS rotten FROM t")
}

/** A capture has found the page damaged, and is killed. */
async function foundAndKilled(): Promise<number> {
  const capture = await follow()
  const page = rot()
  expect((await client().scrub()).damaged).toEqual([page])
  await end(system, capture.process, 'SIGKILL')
  return page
}

it('an attach fails while the bot is dead -> its log stays, which proves what was committed; a page that rotted is not copied', async () => {
  const first = await follow()
  bot(rows(500, 510))
  await client().drain()
  await end(system, first.process, 'SIGKILL')
  bot(rows(510, 540))
  const page = rot()
  const logBytes = statSync(`${system.database}-wal`).size
  renameSync(system.replica, `${system.replica}.away`)
  writeFileSync(system.replica, '')
  const failed = await startCapture(system)
  await until(() => failed.process.exitCode !== null || failed.events.length > 0, 'the word that the replica is away')
  await end(system, failed.process, 'SIGKILL')
  rmSync(system.replica)
  renameSync(`${system.replica}.away`, system.replica)
  expect(statSync(`${system.database}-wal`).size).toBe(logBytes)
  expect(attachedOf(await follow())).toMatchObject({ do: 'continue' })
  expect((await client().scrub()).damaged).toEqual([page])
  expect(await restored()).toEqual({ rows: 540, rotten: 0 })
})

it('a page is known to be damaged, and the bot went on unseen -> the diff leaves it out, it is found again, and what was taken is told', async () => {
  const page = await foundAndKilled()
  bot(rows(500, 540), checkpoint)
  const second = await follow()
  const { because = '' } = attachedOf(second) ?? {}
  const [, pages = ''] =
    /in the same file; (\d+) pages were taken from the file unproven, and 1 page that a scrub had found damaged was left out$/.exec(
      because,
    ) ?? []
  expect([attachedOf(second)?.do, Number(pages) > 3], because).toEqual(['diff', true])
  // At once, and not when the turn of an hour comes to it.
  await until(() => second.events.some(({ type }) => type === 'damaged-pages'), 'the damaged page is told again')
  expect((await client().scrub()).damaged).toEqual([page])
  expect(await restored()).toEqual({ rows: 540, rotten: 0 })
  // It is told until it is over, also by the next life, which has nothing to take.
  await end(system, second.process, 'SIGKILL')
  expect(attachedOf(await follow())).toMatchObject({ because: expect.not.stringContaining('unproven') })
  const words = ['--db', system.database, '--replica', `file:${system.replica}`]
  const { stdout } = await genesis(['replication-status', ...words, '--json'])
  expect(JSON.parse(stdout)).toMatchObject({ unproven: { pages: Number(pages), txid: '0000000000000002', at: expect.any(String) } })
  const screen = (await genesis(['replication-status', ...words])).stdout.replace(/\s+/g, ' ')
  expect(screen).toContain(`${pages} pages were taken from the file unproven at`)
})

it('a page is known to be damaged, and most of the others are new -> a diff all the same, and no snapshot that has it', async () => {
  const page = await foundAndKilled()
  bot(rows(500, 5000), checkpoint)
  expect(attachedOf(await follow())).toMatchObject({ do: 'diff', because: expect.stringContaining('was left out') })
  expect((await client().scrub()).damaged).toEqual([page])
  expect(await restored()).toEqual({ rows: 5000, rotten: 0 })
})

it('a page is known to be damaged, and nothing else is new but the log -> nothing is published, and it is found again', async () => {
  const page = await foundAndKilled()
  bot('database.exec("PRAGMA wal_checkpoint(TRUNCATE)")')
  rmSync(`${system.database}-wal`)
  expect(attachedOf(await follow())).toMatchObject({
    do: 'adopt',
    txid: 1,
    because: 'the database equals restore point 0000000000000001; 1 page that a scrub had found damaged was left out',
  })
  expect((await client().scrub()).damaged).toEqual([page])
  expect(await restored()).toEqual({ rows: 500, rotten: 0 })
})

it('the bot wrote the damaged page again -> it is a page as any other', async () => {
  await foundAndKilled()
  bot(`database.prepare("UPDATE t SET s = 'written again' WHERE i BETWEEN 90 AND 110").run()`, checkpoint)
  expect(attachedOf(await follow())).toMatchObject({ do: 'diff', because: expect.not.stringContaining('damaged') })
  expect((await client().scrub()).damaged).toEqual([])
  expect(await restored()).toEqual({ rows: 500, rotten: 0 })
  await until(() => readFileSync(join(system.settings.captureFolder, 'damaged-pages.json'), 'utf8').trim() === '{}', 'it is forgotten')
})
