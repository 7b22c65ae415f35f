/** The user's own checks of a database: they read, they end, and whatever is wrong with one is said of it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { children } from '../../../test/hosts/children.ts'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import { entryPath } from '../sandbox/sandbox.ts'
import { checkProcess } from './check-process.ts'
import { databaseChecks } from './database-checks.ts'

let folder = ''
let path = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'user-check-'))
  path = join(folder, 'bot.db')
  const made = new DatabaseSync(path)
  made.exec("CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO orders (note) VALUES ('a'), ('b'), (NULL)")
  made.close()
})
afterAll(() => rmSync(folder, { recursive: true }))

const value = (sql: string): Promise<string | number | null> => databaseChecks.queryValue(path, sql, 'alone')
const endless = 'WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT max(x) FROM t'

describe('a check that reads', () => {
  it.each<[string, string | number | null]>([
    ['SELECT count(*) FROM orders', 3],
    ['-- how many\nSELECT count(*) FROM orders; -- so many', 3],
    ['SELECT 1764112345123456789', '1764112345123456789'],
    ['SELECT -9007199254740993', '-9007199254740993'],
    ['SELECT 9007199254740991', 9_007_199_254_740_991],
    ['SELECT 0.5', 0.5],
    ['SELECT 9e999', 'Infinity'],
    ["SELECT 'abc'", 'abc'],
    ["SELECT x'00ff'", "x'00ff'"],
    ['SELECT NULL', null],
    ['SELECT id FROM orders WHERE 0', null],
    ['PRAGMA journal_mode', 'delete'],
    ['PRAGMA foreign_key_check(orders)', null],
    ["SELECT count(*) FROM pragma_table_info('orders')", 2],
    ["SELECT max(value) FROM json_each('[1, 7]')", 7],
    ["SELECT length(printf('%.*c', 200000, 'x'))", 200_000],
  ])('%s -> %j', async (sql, expected) => {
    expect(await value(sql)).toBe(expected)
  })
})

describe('a check that does not', () => {
  it.each([
    'DELETE FROM orders RETURNING 0',
    'PRAGMA journal_mode=WAL',
    'PRAGMA writable_schema=1',
    'PRAGMA query_only=0',
    'PRAGMA wal_checkpoint',
    'BEGIN',
    'CREATE TEMP TABLE t (x)',
    'SELECT count(*) FROM nope',
    "SELECT 'open",
    '-- nothing',
    ';',
  ])('%j -> CHECK_FAILED, and the database is as it was', async (sql) => {
    const before = readFileSync(path)
    await expect(value(sql)).rejects.toMatchObject({
      code: 'CHECK_FAILED',
      message: expect.stringMatching(/^the check could not be asked: /),
    })
    expect(readFileSync(path)).toEqual(before)
  })

  it.each(["VACUUM INTO '%'", "ATTACH '%' AS other"])('%s -> CHECK_FAILED, and no file appears', async (sql) => {
    const other = join(folder, 'other.db')
    await expect(value(sql.replace('%', other))).rejects.toMatchObject({ code: 'CHECK_FAILED' })
    expect(existsSync(other)).toBe(false)
  })

  it('the database is damaged, or not there -> that is said, and no fault of the check', async () => {
    const bad = join(folder, 'bad.db')
    writeFileSync(bad, 'no database at all'.repeat(100))
    await expect(databaseChecks.queryValue(bad, 'SELECT 1 FROM orders', 'alone')).rejects.toMatchObject({ code: 'DATABASE_DAMAGED' })
    await expect(databaseChecks.queryValue(join(folder, 'absent.db'), 'SELECT 1', 'alone')).rejects.toThrow('unable to open')
  })
})

describe('a check that does not end', () => {
  it('it takes longer than it may -> CHECK_FAILED in time, and the next is asked all the same', async () => {
    const ask = checkProcess(700)
    const from = performance.now()
    const [late, next] = await Promise.allSettled([
      ask({ path, sql: endless, access: 'alone' }),
      ask({ path, sql: 'SELECT count(*) FROM orders', access: 'alone' }),
    ])
    expect(late).toMatchObject({ status: 'rejected', reason: { code: 'CHECK_FAILED' } })
    expect(String(late.status === 'rejected' && late.reason)).toContain('it took longer than 0.7 s')
    expect(next).toEqual({ status: 'fulfilled', value: 3 })
    expect(performance.now() - from).toBeLessThan(5000)
  })
})

describeWith([linuxProc], 'the process that asks checks', () => {
  const start = children()

  it('who asks dies in the middle of an endless check -> it ends too', async () => {
    const question = JSON.stringify({ path, sql: endless, access: 'alone' })
    const program = `const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, [${JSON.stringify(entryPath('check'))}], { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
      child.stdin.write(${JSON.stringify(`{"path":${JSON.stringify(path)},"sql":"SELECT 1","access":"alone"}\n`)})
      child.stdout.once('data', () => {
        child.stdin.write(${JSON.stringify(`${question}\n`)})
        setTimeout(() => console.log('asked ' + child.pid), 300)
      })`
    const asker = start(process.execPath, ['-e', program])
    const pid = Number((await asker.line(/asked/)).split(' ')[1])
    const runs = (): boolean => existsSync(`/proc/${pid}/fd/0`)
    expect(runs()).toBe(true)
    await asker.end('SIGKILL')
    await expect.poll(runs, { timeout: 5000 }).toBe(false)
  })
})
