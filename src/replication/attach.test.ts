/** In which order a capture makes itself known, so that it may die between any two of its writes; and what it believes after its disk was rolled back. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { captureWorld, type ToldWorld } from '../../test/support/capture-world.ts'
import { outputFiles } from '../adapters/filesystem/output-file.ts'
import { nodeClock } from '../adapters/node/clock.ts'
import type { CaptureState } from '../ports/capture-state.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { newestComplete, readCatalogue } from '../replica/catalogue.ts'
import { planRestore } from '../replica/plan.ts'
import { restoreFile } from '../restore/restore-file.ts'
import type { LeftLog } from './ancestor.ts'
import { attach } from './attach.ts'
import type { CaptureEvent } from './capture-event.ts'

let folder = ''
let bot: DatabaseSync
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-attach-'))
  bot = new DatabaseSync(join(folder, 'bot.db'))
  bot.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(20000))')
})
afterEach(() => {
  bot.close()
  rmSync(folder, { recursive: true })
})

async function world(over: { readonly store?: Partial<ObjectStore>; readonly state?: Partial<CaptureState> } = {}): Promise<ToldWorld> {
  const made = await captureWorld(folder, path())
  return { ...made, store: { ...made.store, ...over.store }, state: { ...made.state, ...over.state } }
}

/** The attach that dies when `dies` is called, and one after the bot has rewritten its whole file. */
async function dieThenAttach(over: Parameters<typeof world>[0]): Promise<readonly CaptureEvent[]> {
  await expect(attach(await world(over), { takeOver: false, fork: null })).rejects.toThrow('dies here')
  bot.exec('UPDATE t SET x = randomblob(40000); VACUUM')
  bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  const next = await world()
  ;(await attach(next, { takeOver: false, fork: null })).database.close()
  return next.events
}

const dies = (): Promise<never> => Promise.reject(new Error('dies here'))

it('it dies when the first point is published -> the next one knows the file, whatever the bot made of it meanwhile', async () => {
  const { store } = await world()
  let snapshots = 0
  const create: ObjectStore['create'] = async (key, body, timestampMs) => {
    const outcome = await store.create(key, body, timestampMs)
    if (key.endsWith('.ltx')) snapshots++
    return snapshots > 0 ? dies() : outcome
  }
  expect(await dieThenAttach({ store: { create } })).toMatchObject([{ type: 'attached', do: expect.stringMatching(/^(snapshot|diff)$/) }])
  expect((await readCatalogue(store)).timelines).toMatchObject([{ number: '00000001', latestTxid: 2 }])
})

it('it dies when the file is bound and nothing is published -> the next one begins, and warns of nothing', async () => {
  const { state } = await world()
  const write: CaptureState['write'] = async (binding) => {
    await state.write(binding)
    return dies()
  }
  expect(await dieThenAttach({ state: { write } })).toMatchObject([{ type: 'attached', do: 'begin', timeline: '00000001' }])
})

it('it dies when a diff is published -> the next one goes on from there, and tells all the same that pages were taken unproven', async () => {
  ;(await attach(await world(), { takeOver: false, fork: null })).database.close()
  bot.exec('UPDATE t SET x = randomblob(40000)')
  bot.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  const { store } = await world()
  const create: ObjectStore['create'] = async (key, body, timestampMs) => {
    await store.create(key, body, timestampMs)
    return dies()
  }
  await expect(attach(await world({ store: { create } }), { takeOver: false, fork: null })).rejects.toThrow('dies here')
  const next = await attach(await world(), { takeOver: false, fork: null })
  next.database.close()
  expect(next).toMatchObject({ decision: 'adopt', txid: 2, unproven: { pages: expect.any(Number), txid: 2 } })
})

it('a capture dies, the bot commits, and its log begins anew with more -> all of it is taken from the log, of both generations', async () => {
  bot.exec('PRAGMA wal_autocheckpoint=0')
  for (let time = 0; time < 20; time++) bot.exec('INSERT INTO t VALUES (randomblob(9000))')
  ;(await attach(await world(), { takeOver: false, fork: null })).database.close()
  for (let time = 0; time < 3; time++) bot.exec('INSERT INTO t VALUES (randomblob(9000))')
  bot.exec('PRAGMA wal_checkpoint(PASSIVE)')
  bot.exec('INSERT INTO t VALUES (1); DELETE FROM t WHERE rowid = 5')
  const made = await world()
  const attached = await attach(made, { takeOver: false, fork: null })
  attached.database.close()
  expect(attached).toMatchObject({ decision: 'continue', txid: 2, unproven: null })
  const { files } = newestComplete(await readCatalogue(made.store))
  const restored = join(folder, 'restored.db')
  await restoreFile(made.store, planRestore(files, 'latest'), outputFiles, restored)
  bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  expect(readFileSync(restored).equals(readFileSync(path()))).toBe(true)
})

const path = (): string => join(folder, 'bot.db')
const names = ['bot.db', 'bot.db-wal', 'capture.json', 'page-sums']
const reopen = (): void => {
  bot = new DatabaseSync(path())
  bot.exec('PRAGMA wal_autocheckpoint=0')
}
const update = (rows: string): void => bot.exec(`UPDATE t SET x = randomblob(4000) WHERE ${rows}`)
const attachAt = async (laterMs: number, left: LeftLog | null = null): Promise<readonly CaptureEvent[]> => {
  const made = await world()
  const clock = { ...nodeClock, wallMs: () => nodeClock.wallMs() + laterMs }
  ;(await attach({ ...made, clock }, { takeOver: false, fork: null, left })).database.close()
  return made.events
}
/** The same inodes, as a block device has them. */
const rollBack = (): void => {
  bot.close()
  for (const suffix of ['-wal', '-shm']) rmSync(`${path()}${suffix}`, { force: true })
  for (const name of names) writeFileSync(join(folder, name), readFileSync(join(folder, 'saved', name)))
  reopen()
}
const fill = (): void => {
  bot.exec('DELETE FROM t; PRAGMA wal_autocheckpoint=0')
  for (let row = 0; row < 40; row++) bot.exec('INSERT INTO t VALUES (randomblob(4000))')
}

describe('a disk with the database and all of ours on it is rolled back, and the bot is up first, until its log began anew', () => {
  beforeEach(fill)

  it.each([
    ['a few pages', 'rowid < 4', 'is by its pages what came right after'],
    ['all pages', 'true', 'may have gone back in time with what is kept beside it'],
  ])('%s were written -> it is said that it may lack what was copied, which stays', async (_, written, because) => {
    await attachAt(0)
    update('rowid = 1')
    await attachAt(0)
    mkdirSync(join(folder, 'saved'))
    for (const name of names) copyFileSync(join(folder, name), join(folder, 'saved', name))
    for (const [turn, row] of [20, 25, 30].entries()) {
      update(`rowid = ${row}`)
      await attachAt((turn + 1) * 10_000)
    }
    rollBack()
    for (let turn = 0; turn < 3; turn++) {
      update(written)
      bot.exec('PRAGMA wal_checkpoint(RESTART)')
    }
    update(written)
    const events = await attachAt(60_000)
    expect(events).toContainEqual(expect.objectContaining({ type: 'attached', do: 'fork', because: expect.stringContaining(because) }))
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'older', parent: '00000001', forkTxid: 2, commits: { least: 0, most: 3 } }),
    )
  })

  it('nothing was rolled back: the same without a capture -> it went on, and nobody is told of commits that it lacks', async () => {
    await attachAt(0)
    update('rowid = 1')
    await attachAt(10_000)
    for (let turn = 0; turn < 3; turn++) {
      update('rowid < 4')
      bot.exec('PRAGMA wal_checkpoint(RESTART)')
    }
    const events = await attachAt(20_000)
    expect(events).toMatchObject([{ type: 'attached', do: 'diff' }])
  })
})

it('an old file and its log are copied back, a few pages older, and the bot commits before the capture looks -> the log counted down', async () => {
  fill()
  await attachAt(0)
  update('rowid = 1')
  bot.exec('PRAGMA wal_checkpoint(RESTART)')
  update('rowid = 2')
  await attachAt(0)
  const files = [path(), `${path()}-wal`]
  const saved = files.map((file) => readFileSync(file))
  for (let turn = 0; turn < 4; turn++) {
    bot.exec('PRAGMA wal_checkpoint(RESTART)')
    update(`rowid = ${10 + turn}`)
    await attachAt(0)
  }
  bot.close()
  rmSync(`${path()}-shm`, { force: true })
  for (const [at, bytes] of saved.entries()) writeFileSync(files[at] ?? '', bytes)
  reopen()
  bot.exec('PRAGMA wal_checkpoint(RESTART)')
  update('rowid = 40')
  const events = await attachAt(0)
  expect(events).toContainEqual(expect.objectContaining({ type: 'attached', do: 'fork' }))
  expect(events).toContainEqual(expect.objectContaining({ type: 'older', forkTxid: 2 }))
})

it('a bot whose SQLite zeroes what it deletes frees many pages unseen -> it went on, though they are as they were before', async () => {
  fill()
  bot.exec('PRAGMA secure_delete = ON; DELETE FROM t WHERE rowid > 5')
  await attachAt(0)
  bot.exec('BEGIN')
  for (let row = 0; row < 40; row++) bot.exec('INSERT INTO t VALUES (randomblob(4000))')
  bot.exec('COMMIT')
  await attachAt(1000)
  bot.exec('DELETE FROM t WHERE rowid > 5; PRAGMA wal_checkpoint(TRUNCATE)')
  expect(await attachAt(2000)).toMatchObject([{ type: 'attached', do: 'diff' }])
})

describe('the log is taken away under a capture that lives, and the bot begins another one', () => {
  const frames = (): number => Number(bot.prepare('PRAGMA wal_checkpoint=NOOP').get()?.['log'])
  const salts = (): Pick<LeftLog, 'salt1' | 'salt2'> => {
    const wal = readFileSync(`${path()}-wal`)
    return { salt1: wal.readUInt32BE(16), salt2: wal.readUInt32BE(20) }
  }

  it.each([
    ['nothing of it is in the file', () => 0, { least: 3, most: 3 }],
    ['some of it is, but for the pages that changed again', (first: number) => first, { least: 2, most: 3 }],
    ['some is, up to a place between two flushes', (first: number) => first + 1, { least: 0, most: 3 }],
  ])('%s -> what the file lacks is known so far', async (_, backfilled, commits) => {
    fill()
    await attachAt(0)
    bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    update('rowid > 20')
    await attachAt(0)
    bot.exec('PRAGMA wal_checkpoint(RESTART)')
    const old = readFileSync(path())
    update('rowid = 1')
    const first = frames()
    await attachAt(0)
    update('rowid = 2')
    update('rowid = 3')
    await attachAt(0)
    const left = { ...salts(), backfilled: backfilled(first) }
    bot.close()
    for (const suffix of ['-wal', '-shm']) rmSync(`${path()}${suffix}`, { force: true })
    writeFileSync(path(), old)
    reopen()
    update('true')
    const events = await attachAt(0, left)
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'attached', do: 'fork', because: expect.stringContaining('was left without') }),
    )
    expect(events).toContainEqual(expect.objectContaining({ type: 'older', parent: '00000001', forkTxid: 2, commits }))
  })
})

describe('an old file is copied over the database, and the bot commits before the capture looks', () => {
  beforeEach(fill)

  it.each([
    [30, 'many pages are older', 'fork'],
    [3, 'a few pages are, which a bot may write to and fro', 'diff'],
  ])('by %d commits: %s -> %s', async (commits, _, decided) => {
    await attachAt(0)
    bot.exec('PRAGMA wal_checkpoint(RESTART)')
    const old = readFileSync(path())
    for (let row = 1; row <= commits; row++) update(`rowid = ${row}`)
    await attachAt(0)
    bot.close()
    for (const suffix of ['-wal', '-shm']) rmSync(`${path()}${suffix}`, { force: true })
    writeFileSync(path(), old)
    reopen()
    update('rowid = 40')
    expect(await attachAt(0)).toContainEqual(expect.objectContaining({ type: 'attached', do: decided }))
  })
})
