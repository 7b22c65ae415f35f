/** Files of the replica are lost or damaged, while the database itself is well: what is copied from then on can be restored. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { captureStateIn } from '../../src/adapters/filesystem/capture-state.ts'
import { keptSumsIn } from '../../src/adapters/filesystem/kept-sums.ts'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { openRestingDatabase } from '../../src/adapters/filesystem/resting-database.ts'
import { nodeClock } from '../../src/adapters/node/clock.ts'
import { nodeRandom } from '../../src/adapters/node/random.ts'
import { restingCapture } from '../../src/replication/resting.ts'
import { genesis } from '../support/cli.ts'
import {
  type Capture,
  clear,
  end,
  makeSystem,
  pause,
  query,
  restoreNewest,
  startCapture,
  type TestSystem,
  until,
} from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
let bot: DatabaseSync
let capture: Capture
const client = () => captureClient(system.settings.captureFolder)
const commit = (): void => bot.exec('INSERT INTO t (x) VALUES (randomblob(9000))')
const flushed = async (times: number): Promise<void> => {
  for (let time = 0; time < times; time++) {
    commit()
    expect((await client().drain()).complete).toBe(true)
  }
}
const killed = (): Promise<unknown> => end(system, capture.process, 'SIGKILL')
const attached = () => capture.events.findLast(({ type }) => type === 'attached')
const rowsIn = (path: string): unknown => query(path, 'SELECT count(*) AS rows FROM t')['rows']
const restoresEverything = async (): Promise<void> => {
  const { path } = await restoreNewest(system, `restored-${performance.now()}.db`)
  expect(rowsIn(path)).toBe(rowsIn(system.database))
}

const folderOf = (level: number): string => join(system.replica, '00000001/ltx', `${level}`)
const flushes = (): readonly string[] => readdirSync(folderOf(0)).sort()
const lose = (names: readonly string[]): void => {
  for (const name of names) rmSync(join(folderOf(0), name))
}
const spoil = (name: string, at = 150): void => {
  const path = join(folderOf(0), name)
  const bytes = readFileSync(path)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(path, bytes)
}
/** As the damage to a file that lies behind what the checksums beside the database are of. */
const forgetSums = (): void => rmSync(join(system.settings.captureFolder, 'page-sums'))

const atRest = async () =>
  restingCapture({
    store: await openFolderStore('file:replica', system.replica),
    clock: nodeClock,
    random: nodeRandom,
    state: captureStateIn(system.settings.captureFolder),
    keptSums: keptSumsIn(system.settings.captureFolder),
    openAtRest: () => openRestingDatabase(system.database),
    databasePath: system.database,
  })

beforeEach(async () => {
  system = makeSystem()
  bot = new DatabaseSync(system.database, { timeout: 5000 })
  bot.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (n INTEGER PRIMARY KEY, x)')
  commit()
  capture = await startCapture(system)
  await flushed(8)
})
afterEach(() => {
  bot.close()
  return clear(system)
})

describe('while no capture runs', () => {
  it.each<[string, () => void]>([
    ['is lost, and its log is as it was', () => lose(flushes().slice(3, 4))],
    [
      'is lost, and the bot went on unseen in a new log',
      () => {
        lose(flushes().slice(3, 4))
        commit()
        bot.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_checkpoint(TRUNCATE)')
        commit()
      },
    ],
    ['is lost that all begin with', () => rmSync(folderOf(9), { recursive: true })],
    [
      'is damaged, and its log is as it was',
      () => {
        spoil(flushes()[3] ?? '')
        forgetSums()
      },
    ],
    ['is the newest, and its beginning is zeroed', () => spoil(flushes().at(-1) ?? '', 0)],
  ])('a file of the replica %s -> a snapshot behind all that is there, and everything can be restored', async (_, happens) => {
    await killed()
    happens()
    capture = await startCapture(system)
    expect(attached()).toMatchObject({ timeline: '00000001', txid: 10 })
    await restoresEverything()
    await flushed(3)
    await restoresEverything()
    await killed()
    capture = await startCapture(system)
    expect(attached()?.do).toBe('continue')
  })

  it('the newest files are lost -> what the log has of them is copied again', async () => {
    await killed()
    lose(flushes().slice(-4))
    capture = await startCapture(system)
    expect(attached()).toMatchObject({ do: 'continue', txid: 6 })
    await restoresEverything()
  })

  it('the beginning of the newest is zeroed, and the rest is drained from the files at rest -> not complete, with its name, and no error', async () => {
    await killed()
    spoil(flushes().at(-1) ?? '', 0)
    const drained = await atRest().then((resting) => resting.drain())
    expect(drained).toMatchObject({ complete: false, because: expect.stringMatching(/ltx\/0\/.*LTX1/) })
  })

  it('a file is lost, and the rest is drained from the files at rest -> nothing is put into the gap, and that is not complete', async () => {
    await killed()
    commit()
    lose(flushes().slice(3, 4))
    const before = flushes()
    const resting = await atRest()
    expect(await resting.drain()).toMatchObject({ complete: false, txid: 4, because: expect.stringContaining('one between is missing') })
    expect(flushes()).toEqual(before)
  })
})

describe('while the capture runs', () => {
  it('the newest files are lost, and the bot is quiet -> status and validate say so', async () => {
    lose(flushes().slice(-4))
    const given = ['--db', system.database, '--replica', `file:${system.replica}`, '--json']
    const status = JSON.parse((await genesis(['status', ...given])).stdout)
    expect(status.concerns.join()).toMatch(/files of the replica are gone: it was written up to \S+, and ends at \S+/)
    const validated = await genesis(['validate', ...given])
    expect([validated.status === 0, JSON.parse(validated.stdout)]).toEqual([
      false,
      expect.objectContaining({ success: false, because: expect.stringContaining('replica ends where it was written to') }),
    ])
  })

  it('the newest files are lost -> it attaches anew by itself, and everything can be restored', async () => {
    lose(flushes().slice(-4))
    const { length } = capture.events
    await until(async () => {
      commit()
      await pause(50)
      return capture.events.slice(length).some(({ type }) => type === 'attached')
    }, 'a new attach')
    await flushed(2)
    await restoresEverything()
    expect(capture.events).toContainEqual({ type: 'warning', because: expect.stringContaining('is gone from') })
  })
})
