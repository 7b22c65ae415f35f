import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { botChecks } from '../../src/drill/bot-schema.ts'
import { decodeWitness, type Witness } from '../../src/drill/witness.ts'
import { type Child, children } from '../hosts/children.ts'

vi.setConfig({ testTimeout: 30_000 })
const program = fileURLToPath(new URL('../../src/entries/drill-bot.ts', import.meta.url))

let folder = ''
let db = ''
let witnessFile = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drill-bot-'))
  db = join(folder, 'trades.db')
  witnessFile = join(folder, 'witness')
})
afterEach(() => rmSync(folder, { recursive: true }))

const witness = (): Witness => decodeWitness(readFileSync(witnessFile, 'utf8'))

function inDatabase<T>(path: string, ask: (value: (sql: string) => unknown, column: (sql: string) => unknown[]) => T): T {
  const database = new DatabaseSync(path)
  try {
    const column = (sql: string): unknown[] =>
      database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row)[0])
    return ask((sql) => column(sql)[0], column)
  } finally {
    database.close()
  }
}

function expectSound(path: string): void {
  inDatabase(path, (value) => {
    expect(value('PRAGMA integrity_check')).toBe('ok')
    for (const check of botChecks) expect([check.name, value(check.sql)]).toEqual([check.name, check.equals])
  })
}

/** Every acknowledged order is in the database, with all of its events. */
function expectComplete(path: string): void {
  inDatabase(path, (_, column) => {
    const orders = new Set(column('SELECT id FROM orders'))
    const events = new Set(column('SELECT sequence FROM events'))
    for (const commit of witness().commits) {
      expect(orders.has(commit.orderId)).toBe(true)
      expect(events.has(commit.eventSeq)).toBe(true)
    }
  })
}

describe('the bot of the drills', () => {
  const start = children()
  const bot = (...args: string[]): Child =>
    start(process.execPath, [program, '--db', db, '--witness', witnessFile, '--history', '3000', ...args])
  const traded = (commits: number) => expect.poll(() => witness().commits.length, { timeout: 15_000 }).toBeGreaterThan(commits)

  it('a new database -> history first, then trades, each acknowledged one in the witness; SIGTERM ends it with 0', async () => {
    const child = bot('--rate', '400')
    await child.line(/ready/)
    await traded(100)
    expect(await child.end('SIGTERM')).toBe(0)
    const { lives, commits } = witness()
    expect(lives).toHaveLength(1)
    expect(lives[0]?.eventSeq).toBeGreaterThanOrEqual(3000)
    expect(commits[0]?.seq).toBe((lives[0]?.seq ?? 0) + 1)
    expectSound(db)
    expectComplete(db)
    expect(inDatabase(db, (value) => value('SELECT max(number) FROM orders'))).toBe(commits.at(-1)?.seq)
    expect(inDatabase(db, (value) => value('PRAGMA journal_mode'))).toBe('wal')
  })

  it('it is killed again and again at full speed -> nothing acknowledged is lost, and it goes on where it was', async () => {
    for (let kill = 0; kill < 4; kill++) {
      const child = bot('--rate', '0')
      await child.line(/ready/)
      const before = witness().commits.length
      await expect.poll(() => witness().commits.length, { timeout: 15_000 }).toBeGreaterThan(before + 200)
      await child.end('SIGKILL')
    }
    expectSound(db)
    expectComplete(db)
    const { lives, commits } = witness()
    expect(lives).toHaveLength(4)
    expect(new Set(commits.map((commit) => commit.orderId)).size).toBe(commits.length)
  })

  it('an older database is put in its place -> it goes on from there, and its orders are not mistaken for the lost ones', async () => {
    const first = bot('--rate', '400')
    await traded(20)
    await first.end('SIGTERM')
    copyFileSync(db, join(folder, 'older.db'))
    const second = bot('--rate', '400')
    await traded(80)
    await second.end('SIGTERM')
    copyFileSync(join(folder, 'older.db'), db)
    const before = witness()
    const third = bot('--rate', '400')
    await traded(before.commits.length + 50)
    await third.end('SIGTERM')
    expectSound(db)
    const orders = new Set(inDatabase(db, (_, column) => column('SELECT id FROM orders')))
    const missing = witness().commits.filter((commit) => !orders.has(commit.orderId))
    const ofSecondLife = before.commits.filter((commit) => commit.orderId.startsWith(before.lives[1]?.life ?? '?'))
    expect(missing).toEqual(ofSecondLife)
  })

  it('a rate is asked for -> it keeps to it', async () => {
    const child = bot('--rate', '100')
    await child.line(/ready/)
    const from = performance.now()
    await traded(150)
    const rate = (1000 * witness().commits.length) / (performance.now() - from)
    expect(rate).toBeGreaterThan(60)
    expect(rate).toBeLessThan(130)
    await child.end('SIGTERM')
  })

  it('another page size -> the database has it', async () => {
    const child = bot('--page-size', '512')
    await child.line(/ready/)
    await child.end('SIGTERM')
    expect(inDatabase(db, (value) => value('PRAGMA page_size'))).toBe(512)
    expect(statSync(db).size).toBeGreaterThan(100_000)
  })

  it('the command line is wrong -> 2, with the reason', async () => {
    const child = start(process.execPath, [program, '--db', db])
    expect(await child.end()).toBe(2)
    expect(child.errors()).toContain('--witness FILE')
    const other = bot('--rate', 'fast')
    expect(await other.end()).toBe(2)
  })
})
