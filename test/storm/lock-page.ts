/**
 * A database that crosses 1 GiB, where SQLite leaves one page out, under a capture that is killed on both sides of it. Needs 4 GiB of disk for
 * a moment: the database, its replica, what is restored, and a copy to compare with.
 */
import { strict as assert } from 'node:assert'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { captureClient } from '../../src/adapters/control/client.ts'
import { lockPage } from '../../src/ltx/lock-page.ts'
import { MiB } from '../../src/units.ts'
import { end, restoreNewest, startCapture, type TestSystem } from '../support/system.ts'
import { requireSamePages } from './proof.ts'

/** What was done, one sentence each. @throws AssertionError */
export async function crossLockPage(system: TestSystem, pageSize: number, tell: (sentence: string) => void): Promise<void> {
  const began = performance.now()
  const say = (sentence: string): void => tell(`${((performance.now() - began) / 1000).toFixed(1)} s  ${sentence}`)
  const bot = new DatabaseSync(system.database)
  bot.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)`)
  const grow = (bytes: number): void => {
    bot.prepare('INSERT INTO t (x) VALUES (zeroblob(?))').run(bytes)
  }
  const pages = (): number => Number(bot.prepare('PRAGMA page_count').get()?.['page_count'])
  const lock = lockPage(pageSize)
  while ((lock - pages()) * pageSize > 40 * MiB) grow(Math.min(128 * MiB, (lock - pages()) * pageSize - 30 * MiB))
  bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  say(`${pages()} pages of ${pageSize} bytes; the lock page is ${lock}`)
  const before = await startCapture(system)
  assert.equal(before.errors(), '')
  say('the capture has its first snapshot')
  grow(8 * MiB)
  await end(system, before.process, 'SIGKILL')
  const across = await startCapture(system)
  say(`killed, and back: ${across.events.find((event) => event.type === 'attached')?.do}`)
  while (pages() < lock + (16 * MiB) / pageSize) grow(4 * MiB)
  bot.exec('UPDATE t SET x = zeroblob(length(x) - 1) WHERE id > (SELECT max(id) - 3 FROM t)')
  say(`${pages()} pages now, beyond the lock page`)
  await end(system, across.process, 'SIGKILL')
  bot.exec('DELETE FROM t WHERE id = (SELECT max(id) FROM t)')
  const after = await startCapture(system)
  say(`killed, and back: ${after.events.find((event) => event.type === 'attached')?.do}`)
  grow(MiB)
  const drained = await captureClient(system.settings.captureFolder).drain()
  assert.ok(drained.complete, drained.because)
  await end(system, after.process, 'SIGTERM')
  const { path } = await restoreNewest(system, 'restored.db')
  assert.ok(statSync(path).size > lock * pageSize, 'it lies beyond the lock page')
  say(`restored ${Math.round(statSync(path).size / MiB)} MiB`)
  requireSamePages(system.database, path, join(system.folder, 'live.db'))
  bot.close()
  say('the restored file is the database, page for page')
}
