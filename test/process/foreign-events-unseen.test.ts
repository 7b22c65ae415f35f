/** What happens to a database while no capture runs: the next one goes on, with everything, or says why it must not. */
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { outputFiles } from '../../src/adapters/filesystem/output-file.ts'
import { chooseTimeline, readCatalogue } from '../../src/replica/catalogue.ts'
import { planRestore } from '../../src/replica/plan.ts'
import { restoreFile } from '../../src/restore/restore-file.ts'
import { describeWith, litestream, python } from '../needs.ts'
import { requireSamePages } from '../storm/proof.ts'
import { replicaUrl, restoreByLitestream, sha256Of } from '../support/oracles.ts'
import {
  type Capture,
  clear,
  end,
  makeSystem,
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
const shape = ['--rate', '400', '--payload', '2000', '--page-size', '1024', '--limit', '120']

/** The bot has written and ended, and the capture has all of it and is gone. */
async function begin(): Promise<{ readonly txid: number }> {
  const bot = await startWriter(system, ...shape)
  const capture = await startCapture(system)
  await until(() => bot.exitCode !== null, 'the end of the bot')
  const { txid } = await client().drain()
  await end(system, capture.process, 'SIGKILL')
  return { txid }
}

function change(...statements: readonly string[]): void {
  const database = new DatabaseSync(system.database)
  for (const sql of statements) database.prepare(sql).all()
  database.close()
}

const noCapture: Capture['events'] = []
const code = ({ errors }: Capture): string => /"code":"(\w+)"/.exec(errors())?.[1] ?? errors()

async function restorePoint(txid: number): Promise<string> {
  const store = await openFolderStore('file:replica', system.replica)
  const timeline = chooseTimeline(await readCatalogue(store), '00000001')
  const path = join(system.folder, `point-${txid}.db`)
  await restoreFile(store, planRestore(timeline.files, { txid }), outputFiles, path)
  return path
}

/** The capture follows, the bot goes on, and all of it is there. */
async function expectGoesOn(): Promise<void> {
  const capture = await startCapture(system)
  expect(capture.errors()).toBe('')
  const bot = await startWriter(system, ...shape)
  await until(() => bot.exitCode !== null, 'the end of the bot')
  expect(await client().drain()).toMatchObject({ complete: true })
  expect(await client().position()).toMatchObject({ continuous: true, damage: null, trouble: null })
  expect(capture.events.filter(({ type }) => type === 'warning')).toEqual(noCapture)
  const { path, timeline = '00000001' } = { ...(await restoreNewest(system, 'restored.db')) }
  requireSamePages(system.database, path, join(system.folder, 'live.db'))
  expect(query(path, 'SELECT count(*) AS rows, max(seq) AS last FROM ticks')).toEqual({ rows: 240, last: witnessed(system).at(-1)?.seq })
  if (litestream.found === null) return
  const theirs = await restoreByLitestream(system, replicaUrl(system.replica, timeline), 'theirs.db', null)
  expect([theirs.status, theirs.status === 0 ? '' : theirs.errors]).toEqual([0, ''])
  expect(sha256Of(theirs.path)).toBe(sha256Of(path))
}

const unseen: Readonly<Record<string, () => Promise<void> | void>> = {
  'the bot left WAL mode and came back': () =>
    change('PRAGMA journal_mode=DELETE', 'UPDATE ticks SET payload = NULL WHERE seq = 7', 'PRAGMA journal_mode=WAL'),
  'the page size was changed': () => change('PRAGMA journal_mode=DELETE', 'PRAGMA page_size=8192', 'VACUUM', 'PRAGMA journal_mode=WAL'),
  'auto_vacuum was switched on, which moves pages': () => change('PRAGMA auto_vacuum=FULL', 'VACUUM', 'DELETE FROM ticks WHERE seq < 0'),
  'the -shm was deleted': () => rmSync(`${system.database}-shm`, { force: true }),
}

describeWith([python], 'while no capture ran', () => {
  it.each(Object.entries(unseen))('%s -> it goes on, with everything', async (_name, event) => {
    const { txid } = await begin()
    const before = sha256Of(await restorePoint(txid))
    rmSync(join(system.folder, `point-${txid}.db`))
    await event()
    await expectGoesOn()
    expect(sha256Of(await restorePoint(txid)), 'what was there before').toBe(before)
  })

  it('the bot left WAL mode for good -> refused with 2; it goes on when the bot is back', async () => {
    await begin()
    change('PRAGMA journal_mode=DELETE')
    const refused = await startCapture(system)
    expect([refused.process.exitCode, code(refused)]).toEqual([2, 'DATABASE_NOT_WAL'])
    change('PRAGMA journal_mode=WAL')
    await expectGoesOn()
  })

  it('somebody keeps it for himself (locking_mode=EXCLUSIVE) -> refused with 2; it goes on when he is gone', async () => {
    await begin()
    const selfish = new DatabaseSync(system.database)
    selfish.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; COMMIT')
    const refused = await startCapture(system)
    expect([refused.process.exitCode, code(refused)]).toEqual([2, 'DATABASE_EXCLUSIVE'])
    selfish.close()
    await expectGoesOn()
  })

  it('the whole folder was copied and is started there -> refused with 4, and nothing is written', async () => {
    await begin()
    const elsewhere = `${system.folder}-elsewhere`
    cpSync(system.folder, elsewhere, { recursive: true })
    try {
      const replica = { url: `file:${join(elsewhere, 'replica')}`, path: join(elsewhere, 'replica') }
      const before = readdirSync(replica.path, { recursive: true })
      const copy = await startCapture(system, {
        database: join(elsewhere, 'bot.db'),
        captureFolder: join(elsewhere, '.bot.db-dr'),
        replica,
      })
      expect([copy.process.exitCode, code(copy)]).toEqual([4, 'DATABASE_OTHER'])
      expect(readdirSync(replica.path, { recursive: true })).toEqual(before)
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
  })

  it('unseen commits were cut off the log, just behind the last published frame (journal_size_limit) -> they are not taken for never made', async () => {
    const bot = new DatabaseSync(system.database)
    const update = (...ids: readonly number[]): void => {
      for (const id of ids) bot.exec(`UPDATE t SET x = randomblob(900) WHERE id = ${id}`)
    }
    bot.exec('PRAGMA page_size=1024; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)')
    for (let each = 0; each < 100; each++) bot.exec('INSERT INTO t (x) VALUES (randomblob(900))')
    const first = await startCapture(system)
    update(3)
    expect(await client().drain()).toMatchObject({ complete: true })
    await end(system, first.process, 'SIGKILL')
    const frames = Number(bot.prepare('PRAGMA wal_checkpoint=NOOP').get()?.['log'])
    update(40, 50, 60)
    bot.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
    bot.prepare(`PRAGMA journal_size_limit = ${32 + frames * (24 + 1024)}`).get()
    // The first of these begins the log anew, and cuts it.
    update(1, 2)
    const second = await startCapture(system)
    expect(second.errors()).toBe('')
    expect(await client().drain()).toMatchObject({ complete: true })
    requireSamePages(system.database, (await restoreNewest(system, 'restored.db')).path, join(system.folder, 'live.db'))
    bot.close()
  })
})
