/** What our own opening and closing leaves of a database whose bot is dead: everything as it was. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import { openLiveDatabase } from './live-database.ts'

let folder = ''
let path = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'live-database-'))
  path = join(folder, 'bot.db')
  node(`database.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (x); INSERT INTO t VALUES (randomblob(20000))')`)
})
afterEach(() => rmSync(folder, { recursive: true }))

/** A process that works on the database, and ends without closing it. */
function node(work: string): string {
  const script = `const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(${JSON.stringify(path)}, { timeout: 0 })
    ${work}
    process.exit()`
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
}

function standing(file: string) {
  const { ino, mtimeNs, size } = statSync(file, { bigint: true })
  return { ino, mtimeNs, size, content: readFileSync(file, 'base64') }
}

for (const shm of ['its -shm is there', 'its -shm is gone']) {
  it(`the bot is dead, ${shm}, and we close what we followed -> the log stands, and the file is what it was`, () => {
    if (shm === 'its -shm is gone') rmSync(`${path}-shm`)
    const before = [standing(path), standing(`${path}-wal`)]
    expect(before[1]?.size).toBeGreaterThan(20_000)
    const database = openLiveDatabase(path)
    database.locks.pin(0)
    database.close()
    expect([standing(path), standing(`${path}-wal`)]).toEqual(before)
    // The next life of the bot has all of it.
    expect(node(`console.log(database.prepare('SELECT count(*) AS n FROM t').get().n)`)).toBe('1\n')
  })
}

it('what the log holds is put into the file before we close -> the log stands, and the first checkpoint of the bot lets it begin anew', () => {
  const database = openLiveDatabase(path)
  const end = database.locks.checkpoint()
  expect(end?.frames).toBeGreaterThan(0)
  expect(end?.backfilled).toBe(end?.frames)
  database.close()
  const log = readFileSync(`${path}-wal`)
  node('database.exec("INSERT INTO t VALUES (1); PRAGMA wal_checkpoint(PASSIVE); INSERT INTO t VALUES (2)")')
  expect(readFileSync(`${path}-wal`).subarray(16, 24)).not.toEqual(log.subarray(16, 24))
  expect(node(`console.log(database.prepare('SELECT count(*) AS n FROM t').get().n)`)).toBe('3\n')
})

it('others write to files of the folder without a pause -> it costs us nothing, and the next commit is told all the same', async () => {
  const database = openLiveDatabase(path)
  let told = 0
  const unwatch = database.watch(() => told++)
  const noise = `const { openSync, writeSync } = await import('node:fs')
    const files = ['a.log', 'b.log'].map((name) => openSync(${JSON.stringify(folder)} + '/' + name, 'w'))
    for (;;) for (const file of files) writeSync(file, 'x', 0)`
  const other = spawn(process.execPath, ['--input-type=module', '-e', noise], { stdio: 'ignore' })
  try {
    await expect.poll(() => statSync(join(folder, 'b.log'), { throwIfNoEntry: false })?.size ?? 0, { timeout: 10_000 }).toBe(1)
    const before = process.cpuUsage()
    await pause(500)
    const { user, system } = process.cpuUsage(before)
    expect(user + system).toBeLessThan(250_000)
    expect(told).toBe(0)
    node('database.exec("INSERT INTO t VALUES (1)")')
    await expect.poll(() => told).toBeGreaterThan(0)
  } finally {
    other.kill('SIGKILL')
    unwatch()
    database.close()
  }
})

describeWith([linuxProc], 'the locks of a database that we closed', () => {
  it('the bot is dead -> none is left of this process, and somebody else may have the file alone', () => {
    const database = openLiveDatabase(path)
    const inode = statSync(path).ino
    const ours = () =>
      readFileSync('/proc/locks', 'utf8')
        .split('\n')
        .filter((line) => line.includes(`:${inode} `) && line.includes(` ${process.pid} `))
    expect(ours()).not.toEqual([])
    database.close()
    expect(ours()).toEqual([])
    node(`database.exec('PRAGMA locking_mode=EXCLUSIVE; PRAGMA wal_checkpoint(TRUNCATE)'); database.close()`)
    expect(existsSync(`${path}-wal`)).toBe(false)
  })
})
