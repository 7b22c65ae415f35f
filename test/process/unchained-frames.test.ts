/**
 * A bot whose SQLite (3.40.1 does it, 3.53.4 does not) commits with frames that no recovery finds, after a savepoint that was larger than its
 * page cache was rolled back: the bot and everybody beside it see the commit, a crash of the machine loses it. Such frames cannot be verified,
 * so that they are put into the file, and the file is compared with the replica.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { describeWith, type Need, python } from '../needs.ts'
import { damageFrame, forgetChecksums, framesOf } from '../support/log-frames.ts'
import {
  type Capture,
  clear,
  end,
  makeSystem,
  query,
  repository,
  restoreNewest,
  startCapture,
  type TestSystem,
  until,
} from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

const writer = join(repository, 'test/writers/unchained.py')
const forgetful: Need = {
  what: 'a python3 whose SQLite forgets checksums',
  found: pythonForgets() ? 'python3' : null,
  how: 'use that of Debian 12, with SQLite 3.40.1',
  rare: true,
}

function pythonForgets(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'genesis-dr-forgets-'))
  try {
    const said = spawnSync('python3', [writer, join(folder, 'bot.db')], { input: 'unchained\n', encoding: 'utf8' }).stdout
    return said?.includes('{"chained": false}') === true
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Resolves with how to tell a line to the bot, which resolves with its answer. */
async function startBot(): Promise<(line: string) => Promise<unknown>> {
  const child = spawn('python3', [writer, system.database], { stdio: 'pipe' })
  system.children.add(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => (await lines.next()).value ?? '"it has ended"'
  await next()
  return async (line) => {
    child.stdin.write(`${line}\n`)
    return JSON.parse(await next())
  }
}

const client = () => captureClient(system.settings.captureFolder)
const restored = async (name: string): Promise<unknown> => query((await restoreNewest(system, name)).path, 'SELECT n FROM n')['n']

describeWith([python, forgetful], 'a bot whose SQLite commits with frames that do not follow each other', () => {
  it('-> the file gets them, the copy goes on by itself and complete, and nobody is called for damage', async () => {
    const ask = await startBot()
    const capture = await startCapture(system)
    for (const n of [5, 6]) {
      expect(await ask('unchained')).toEqual({ chained: false })
      await ask(`UPDATE n SET n = ${n}`)
      await until(async () => (await client().drain()).complete, 'a drain that has everything')
      expect(await client().position()).toMatchObject({ state: 'capturing', continuous: true, damage: null, trouble: null })
      expect(await restored(`${n}.db`)).toBe(n)
      expect(JSON.stringify(capture.events)).toContain('SQLite (version 3.')
    }
    expect(capture.process.exitCode).toBe(null)
    await end(system, capture.process, 'SIGTERM')
  })

  it('it did so while no capture ran -> a start has it all', async () => {
    const ask = await startBot()
    const first = await startCapture(system)
    await end(system, first.process, 'SIGKILL')
    await ask('unchained')
    await ask('UPDATE n SET n = 5')
    const second = await startCapture(system)
    expect(second.errors()).toBe('')
    expect(await client().drain()).toMatchObject({ complete: true })
    expect(await restored('restored.db')).toBe(5)
  })
})

/** By our own SQLite, with the frames changed to what the other one leaves, so that it is shown with every python. */
describe('a bot commits, and its frames', () => {
  let bot: DatabaseSync
  beforeEach(() => {
    bot = new DatabaseSync(system.database)
    bot.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE n (n); INSERT INTO n VALUES (0); CREATE TABLE t (x)')
    bot.exec('INSERT INTO t VALUES (randomblob(400000))')
  })
  afterEach(() => bot.close())

  const setTo = (n: number): void => bot.exec(`BEGIN; UPDATE n SET n = ${n}; INSERT INTO t VALUES (randomblob(20000)); COMMIT`)
  /** Commits 1, then 2, then 3, of which `spoil` is told where the frames of 2 begin and end, while the capture does not look. */
  const commitUnseen = (capture: Capture, spoil: (from: number, to: number) => void): void => {
    capture.process.kill('SIGSTOP')
    setTo(1)
    const from = framesOf(system.database)
    setTo(2)
    const to = framesOf(system.database)
    setTo(3)
    spoil(from, to)
    capture.process.kill('SIGCONT')
  }

  it.each([
    ['lack checksums in the middle', (from: number, to: number) => forgetChecksums(system.database, from, to)],
    ['lack checksums to the end', (from: number) => forgetChecksums(system.database, from, framesOf(system.database))],
  ])('%s -> what stands before is a restore point, the rest comes by comparing, and it goes on', async (_what, spoil) => {
    const capture = await startCapture(system)
    const { txid } = await client().position()
    commitUnseen(capture, spoil)
    await until(() => capture.events.some(({ do: decided }) => decided === 'diff'), 'a new attach')
    expect(await client().drain()).toMatchObject({ complete: true, txid: txid + 2 })
    expect(await restored('three.db')).toBe(3)
    expect(capture.events).toContainEqual(expect.objectContaining({ type: 'flushed', txid: txid + 1, commits: 1 }))
    expect(capture.events).toContainEqual({ type: 'warning', because: expect.stringContaining('committed without checksums') })
    for (const n of [4, 5]) setTo(n)
    expect(await client().drain()).toMatchObject({ complete: true })
    expect(await client().position()).toMatchObject({ continuous: true, damage: null, trouble: null })
    expect(await restored('five.db')).toBe(5)
    // The log became small again: the first commit behind a file that has everything begins it anew.
    expect(framesOf(system.database)).toBeLessThan(100)
  })

  it('lack checksums, and a reader of its own does not end -> that is waited for, said, and nothing is called complete', async () => {
    const capture = await startCapture(system)
    const { txid } = await client().position()
    const reader = new DatabaseSync(system.database)
    reader.exec('BEGIN; SELECT n FROM n')
    commitUnseen(capture, (from, to) => forgetChecksums(system.database, from, to))
    await until(async () => (await client().position()).trouble?.includes('waits for a reader') === true, 'a word of what is waited for')
    expect(await client().position()).toMatchObject({ state: 'attaching', continuous: false, damage: null })
    const because = expect.stringContaining('waits for a reader')
    expect(await client().drain()).toMatchObject({ complete: false, txid: txid + 1, because })
    expect(await restored('one.db')).toBe(1)
    setTo(4)
    reader.close()
    await until(async () => (await client().drain()).complete, 'a drain that has everything')
    expect(await restored('four.db')).toBe(4)
    expect(capture.events.filter((event) => event.because?.includes('waits for a reader'))).toHaveLength(1)
  })

  it('lack checksums, and it is in the middle of the next transaction -> that is waited for', async () => {
    const capture = await startCapture(system)
    commitUnseen(capture, (from, to) => {
      forgetChecksums(system.database, from, to)
      bot.exec('BEGIN IMMEDIATE; UPDATE n SET n = 4')
    })
    await until(async () => (await client().position()).trouble?.includes('waits for a writer') === true, 'a word of what is waited for')
    expect(await client().drain()).toMatchObject({ complete: false, because: expect.stringContaining('waits for a writer') })
    bot.exec('COMMIT')
    await until(async () => (await client().drain()).complete, 'a drain that has everything')
    expect(await restored('four.db')).toBe(4)
  })

  it('are rotten: their checksum is there, and wrong -> that is damage, and nothing goes on from it', async () => {
    const capture = await startCapture(system)
    commitUnseen(capture, (from) => damageFrame(system.database, from))
    const damage = expect.stringContaining('does not match its checksum')
    await until(async () => (await client().position()).damage !== null, 'damage that is seen')
    expect(await client().position()).toMatchObject({ state: 'capturing', continuous: false, damage })
    expect(await client().drain()).toMatchObject({ complete: false, because: damage })
    expect(await restored('one.db')).toBe(1)
  })
})
