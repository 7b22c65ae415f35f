/** A log with frames that lack checksums, as an attach meets it: killed at each lock that it takes, and where nothing is left to be done. */
import { closeSync, copyFileSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { captureWorld, type ToldWorld } from '../../test/support/capture-world.ts'
import { forgetChecksums, framesOf } from '../../test/support/log-frames.ts'
import { nodeClock } from '../adapters/node/clock.ts'
import { openLiveDatabase } from '../adapters/sqlite/live-database.ts'
import type { DatabaseLocks, LiveDatabase } from '../ports/live-database.ts'
import { newestComplete, readCatalogue } from '../replica/catalogue.ts'
import { PageSums } from '../replica/page-sums.ts'
import { planRestore } from '../replica/plan.ts'
import { sumPlan } from '../replica/point-sums.ts'
import { frameOffset } from '../wal/header.ts'
import { attach } from './attach.ts'
import { WalReader } from './wal-reader.ts'

const pageSize = 4096
let folder = ''
let path = ''
let bot: DatabaseSync
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-finish-'))
  path = join(folder, 'bot.db')
  bot = new DatabaseSync(path)
  bot.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x)`)
  commit(400_000)
})
afterEach(() => {
  bot.close()
  rmSync(folder, { recursive: true })
})

const commit = (bytes: number): void => bot.exec(`INSERT INTO t VALUES (randomblob(${bytes}))`)
/** What is committed last has no checksums, to its end or followed by a commit that has. */
const commitWithout = (end: 'followed' | 'last'): void => {
  const from = framesOf(path)
  commit(20_000)
  const to = framesOf(path)
  if (end === 'followed') commit(20_000)
  forgetChecksums(path, from, to)
}

const world = (openDatabase = (): LiveDatabase => openLiveDatabase(path)): Promise<ToldWorld> =>
  captureWorld(folder, path, { openDatabase, openLog: () => null })

const anew = { takeOver: false, fork: null }
const attachOnce = async (): Promise<void> => (await attach(await world(), anew)).database.close()

/** The newest point of the replica is what SQLite reads now, page for page. */
async function expectAllCopied(): Promise<void> {
  bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  const file = readFileSync(path)
  const now = new PageSums()
  now.resize(file.length / pageSize)
  for (let page = 1; page <= now.pages; page++) now.put(page, file.subarray((page - 1) * pageSize, page * pageSize))
  const { store } = await world()
  const { files } = newestComplete(await readCatalogue(store))
  expect((await sumPlan(store, planRestore(files, 'latest'))).rolling).toBe(now.rolling)
}

/** From the `at`th call on, nothing is done any more; `calls` counts them. */
function dying(at: number): { readonly open: () => LiveDatabase; readonly calls: () => number } {
  let calls = 0
  const alive = <A extends unknown[], T>(work: (...args: A) => T) => {
    return (...args: A): T => {
      if (++calls >= at) throw new Error('dies here')
      return work(...args)
    }
  }
  const open = (): LiveDatabase => {
    const database = openLiveDatabase(path)
    const { locks } = database
    const watched: DatabaseLocks = {
      ...locks,
      pin: alive(locks.pin),
      unpin: alive(locks.unpin),
      lockWriters: alive(locks.lockWriters),
      unlockWriters: alive(locks.unlockWriters),
      checkpoint: alive(locks.checkpoint),
      truncate: alive(locks.truncate),
    }
    return { ...database, locks: watched }
  }
  return { open, calls: () => calls }
}

it('it dies before any of the locks that it takes, and the bot goes on -> the next one has everything', async () => {
  await attachOnce()
  for (let at = 2; ; at++) {
    commit(10_000)
    commitWithout('followed')
    const { open, calls } = dying(at)
    const outcome = await attach(await world(open), anew).then(
      ({ database }) => database.close(),
      (error: unknown) => error,
    )
    if (outcome === undefined) {
      // One pin, and eight calls for the log: all of them were died at.
      expect(calls()).toBe(9)
      return
    }
    expect(String(outcome)).toContain('dies here')
    commit(10_000)
    const next = await world()
    ;(await attach(next, anew)).database.close()
    expect(next.events.at(-1)).toMatchObject({ type: 'attached', do: 'diff' })
    await expectAllCopied()
  }
})

it('what it commits so are pages as they once were -> it went on, and nothing says that it is older', async () => {
  bot.exec("CREATE TABLE flags (busy TEXT); INSERT INTO flags VALUES ('no ')")
  await attachOnce()
  bot.exec("UPDATE flags SET busy = 'yes'")
  await attachOnce()
  const from = framesOf(path)
  bot.exec("UPDATE flags SET busy = 'no '")
  forgetChecksums(path, from, framesOf(path))
  const next = await world()
  ;(await attach(next, anew)).database.close()
  expect(next.events.map(({ type }) => type)).toEqual(['warning', 'attached'])
  expect(next.events.at(-1)).toMatchObject({ type: 'attached', do: 'diff', txid: 3 })
  await expectAllCopied()
})

it('the machine dies right after -> SQLite finds in file and log what was committed, whole', async () => {
  commit(10_000)
  await attachOnce()
  bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  bot.exec('UPDATE t SET x = randomblob(20000) WHERE rowid = 2')
  commitWithout('followed')
  bot.exec('DELETE FROM t WHERE rowid < 3')
  await attachOnce()
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${path}.found${suffix}`)
  const found = new DatabaseSync(`${path}.found`)
  const whole = 'SELECT group_concat(hex(x)) AS x, (SELECT integrity_check FROM pragma_integrity_check) AS sound FROM t'
  expect(found.prepare(whole).get()).toEqual(bot.prepare(whole).get())
  found.close()
})

it('the file has all of such a log, to its last frame -> it is copied; what is then added to that log is not proven by it', async () => {
  await attachOnce()
  commitWithout('last')
  // A reader at the end of the log keeps the bot from beginning it anew, and nobody from putting it into the file.
  const other = new DatabaseSync(path)
  other.exec('BEGIN; SELECT count(*) FROM t')
  bot.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
  const first = await world()
  const { database, base } = await attach(first, anew)
  expect(first.events.at(-1)).toMatchObject({ type: 'attached', do: 'diff' })
  const reader = new WalReader(database, nodeClock, { add: () => {}, full: () => false }, base)
  reader.readOn()
  commit(10_000)
  expect(() => reader.readOn()).toThrow(expect.objectContaining({ code: 'WAL_UNFOLLOWED' }))
  database.close()
  other.close()
  await attachOnce()
  await expectAllCopied()
})

it('the last frame of a log that the file has all of is of no log that we know -> that is said, and the next commit mends it', async () => {
  await attachOnce()
  bot.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()
  const descriptor = openSync(`${path}-wal`, 'r+')
  writeSync(descriptor, new Uint8Array([1, 2, 3]), 0, 3, frameOffset(framesOf(path) - 1, pageSize) + 8)
  closeSync(descriptor)
  await expect(attach(await world(), anew)).rejects.toMatchObject({ code: 'WAL_UNFOLLOWED', kind: 'unavailable' })
  commit(10_000)
  await attachOnce()
  await expectAllCopied()
})
