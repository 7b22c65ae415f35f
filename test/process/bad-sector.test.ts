/** A sector that the disk does not give, under a real database: nothing is lost that the replica has, and nothing of it is made up. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outputFiles } from '../../src/adapters/filesystem/output-file.ts'
import { openRestingDatabase } from '../../src/adapters/filesystem/resting-database.ts'
import { openLiveDatabase } from '../../src/adapters/sqlite/live-database.ts'
import { must } from '../../src/assert.ts'
import { DrError } from '../../src/errors.ts'
import type { DrainOutcome } from '../../src/ports/capture-control.ts'
import type { DatabaseBytes } from '../../src/ports/live-database.ts'
import { newestComplete, readCatalogue } from '../../src/replica/catalogue.ts'
import { planRestore } from '../../src/replica/plan.ts'
import { sumPlan } from '../../src/replica/point-sums.ts'
import { attach } from '../../src/replication/attach.ts'
import { baseAtRest, scanPages } from '../../src/replication/base-scan.ts'
import type { CaptureWorld } from '../../src/replication/capture-world.ts'
import { restingCapture } from '../../src/replication/resting.ts'
import { repairFile } from '../../src/restore/repair-file.ts'
import { captureWorld, type ToldWorld } from '../support/capture-world.ts'

const pageSize = 4096
/** The page that the disk does not give, of about 100; it is a leaf of the table. */
const badPage = 60
let folder = ''
let path = ''
let bot: DatabaseSync
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-sector-'))
  path = join(folder, 'bot.db')
  bot = new DatabaseSync(path)
  bot.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x)')
  for (let row = 0; row < 100; row++) bot.exec('INSERT INTO t VALUES (randomblob(3000))')
  bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  bot.exec('INSERT INTO t VALUES (randomblob(3000))')
  await attachTo(openLiveDatabase(path))
})
afterEach(() => {
  bot.close()
  rmSync(folder, { recursive: true })
})

/** As Linux reads: what stands before the sector, and then the error. */
function withBadSector(bytes: DatabaseBytes, page = badPage): DatabaseBytes {
  const from = (page - 1) * pageSize
  return {
    ...bytes,
    readDatabase: (offset, into) => {
      if (offset + into.length <= from || offset >= from + pageSize) return bytes.readDatabase(offset, into)
      throw new DrError('DATABASE_DAMAGED', { what: `the disk does not give ${path} at byte ${from}`, untouched: 'All.', next: 'Look.' })
    },
  }
}

const world = (openDatabase: CaptureWorld['openDatabase']): Promise<ToldWorld> =>
  captureWorld(folder, path, { openDatabase, openLog: () => null })

async function attachTo(database: ReturnType<typeof openLiveDatabase>): Promise<void> {
  ;(await attach(await world(() => database), { takeOver: false, fork: null })).database.close()
}

async function points(): Promise<number> {
  const { store } = await world(() => openLiveDatabase(path))
  return newestComplete(await readCatalogue(store)).latestTxid
}

/** As a recovery does it, where no capture runs. The bot is killed: its files stand as they are. */
async function drainAtRest(page = badPage): Promise<DrainOutcome> {
  const left = join(folder, 'left.db')
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${left}${suffix}`)
  const opened = must(openRestingDatabase(left), 'it is there')
  const made = await world(() => openLiveDatabase(path))
  return restingCapture({ ...made, openAtRest: () => ({ ...opened, bytes: withBadSector(opened.bytes, page) }) }).drain()
}

describe('a sector of the database that the disk does not give', () => {
  it('no capture runs, and the log is there -> everything committed is copied, without that page', async () => {
    for (let row = 0; row < 5; row++) bot.exec('INSERT INTO t VALUES (randomblob(3000))')
    expect(await drainAtRest()).toMatchObject({ complete: true, txid: 2, because: '5 commits were read from the log' })
  })
  it.each([badPage, 1])('no capture runs, and the log of that time is gone -> said, and the recovery can go on (page %d)', async (page) => {
    bot.exec('INSERT INTO t VALUES (randomblob(3000))')
    bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    expect(await drainAtRest(page)).toMatchObject({ complete: false, txid: 1, because: expect.stringContaining('the disk does not give') })
  })
  it('a capture is to compare every page -> it ends with the damage named, and publishes nothing', async () => {
    bot.exec('UPDATE t SET x = randomblob(3000) WHERE rowid < 5')
    bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    const database = openLiveDatabase(path)
    await expect(attachTo({ ...database, bytes: withBadSector(database.bytes) })).rejects.toMatchObject({ code: 'DATABASE_DAMAGED' })
    expect(await points()).toBe(1)
  })
  it('the log has the page -> it is read from there', () => {
    bot.exec('UPDATE t SET x = randomblob(3000)')
    const opened = must(openRestingDatabase(path), 'it is there')
    const bytes = withBadSector(opened.bytes)
    const base = must(baseAtRest(bytes, null), 'it has a log')
    expect([...scanPages(bytes, base)].filter((item) => item?.page === null)).toEqual([])
    opened.close()
  })
  it('it is repaired -> that page alone is taken from the replica, and the whole is what it was', async () => {
    bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
    const opened = must(openRestingDatabase(path), 'it is there')
    const bytes = withBadSector(opened.bytes)
    const base = must(baseAtRest(bytes, pageSize), 'its page size is known')
    const { store } = await world(() => openLiveDatabase(path))
    const plan = planRestore(newestComplete(await readCatalogue(store)).files, 'latest')
    const truth = { sums: await sumPlan(store, plan), plan, pageSize }
    const output = join(folder, 'repaired.db')
    const repaired = await repairFile(store, truth, scanPages(bytes, base), outputFiles, output, async () => {})
    opened.close()
    expect(repaired.replaced).toEqual([badPage])
    expect(readFileSync(output).equals(readFileSync(path))).toBe(true)
  })
})
