/** FAILS TODAY. What the storm found and nobody mended yet; each test moves to where it belongs with its mend, and this file goes away. */
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { clear, end, makeSystem, startCapture, type TestSystem } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
let bot: DatabaseSync
beforeEach(() => {
  system = makeSystem()
  bot = new DatabaseSync(system.database)
})
afterEach(async () => {
  bot.close()
  await clear(system)
})

/** The bot does each of these, and each is published; then it does the rest, and nobody looks. What the next capture decides. */
async function decisionAfter(published: readonly string[], unseen: readonly string[]): Promise<string | undefined> {
  const first = await startCapture(system)
  for (const sql of published) {
    bot.exec(sql)
    expect(await captureClient(system.settings.captureFolder).drain()).toMatchObject({ complete: true })
  }
  await end(system, first.process, 'SIGKILL')
  for (const sql of unseen) bot.exec(sql)
  const second = await startCapture(system)
  return second.events.find(({ type }) => type === 'attached')?.do
}

const beginLogAnew = ['PRAGMA wal_checkpoint(TRUNCATE)', 'PRAGMA wal_checkpoint(TRUNCATE)']

it('it grew, and shrank unseen (VACUUM) -> it went on; it is not the older database of before it grew', async () => {
  bot.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, x BLOB)')
  const rows = (count: number): string =>
    `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) INSERT INTO t (x) SELECT randomblob(3000) FROM n`
  const change = (where: string): string => `UPDATE t SET x = randomblob(3000) WHERE ${where}`
  bot.exec(rows(20))
  const published = [change('id < 4'), rows(200), change('id < 7')]
  const unseen = ['DELETE FROM t WHERE id > 20', change('id > 15'), 'VACUUM', ...beginLogAnew, change('id = 2')]
  expect(await decisionAfter(published, unseen)).toMatch(/^(diff|snapshot)$/)
})

it('a flag went back to what it was, unseen -> it went on; it is not the older database of when the flag was so', async () => {
  bot.exec("PRAGMA journal_mode=WAL; CREATE TABLE flags (id INTEGER PRIMARY KEY, busy TEXT); INSERT INTO flags VALUES (1, 'no ')")
  const flag = (busy: string): string => `UPDATE flags SET busy = '${busy}'`
  expect(await decisionAfter([flag('yes'), flag('no '), flag('yes')], [flag('no '), ...beginLogAnew])).not.toBe('fork')
})
