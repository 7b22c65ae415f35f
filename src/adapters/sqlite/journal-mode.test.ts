/** The switch to WAL mode: durable, alone, and safe to be killed in at any moment. */
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { hashOf } from '../../../test/support/cli.ts'
import { pause } from '../../../test/support/system.ts'
import { decodeDatabaseHeader } from '../../wal/database-header.ts'
import { journalMode } from './journal-mode.ts'

vi.setConfig({ testTimeout: 60_000 })

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-journal-'))
  path = join(folder, 'trades.db')
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE t (a)')
  database.exec(
    'INSERT INTO t WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) SELECT hex(zeroblob(100)) FROM n',
  )
  database.close()
})
afterEach(() => rmSync(folder, { recursive: true }))

const modeOf = (file: string): string | undefined => decodeDatabaseHeader(new Uint8Array(readFileSync(file)).subarray(0, 100))?.journal
const rowsOf = (file: string): unknown => {
  const database = new DatabaseSync(file)
  try {
    expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    return database.prepare('SELECT count(*) AS rows FROM t').get()?.['rows']
  } finally {
    database.close()
  }
}

describe('the switch', () => {
  it('nobody has it open -> WAL in its header, all rows there, nothing left beside it; again -> as it is', async () => {
    await journalMode.toWal(path)
    expect([modeOf(path), readdirSync(folder)]).toEqual(['wal', ['trades.db']])
    const hash = hashOf(path)
    await journalMode.toWal(path)
    expect(hashOf(path)).toBe(hash)
    expect(rowsOf(path)).toBe(2000)
  })

  it.each([
    ['reads', 'BEGIN; SELECT count(*) FROM t'],
    ['writes', 'BEGIN IMMEDIATE; INSERT INTO t VALUES (1)'],
  ])('somebody %s it at this moment -> DATABASE_BUSY at once, and it is byte for byte as it was', async (_, sql) => {
    const bot = new DatabaseSync(path)
    try {
      bot.exec(sql)
      const hash = hashOf(path)
      await expect(journalMode.toWal(path)).rejects.toMatchObject({ code: 'DATABASE_BUSY' })
      expect(hashOf(path)).toBe(hash)
    } finally {
      bot.close()
    }
    expect(modeOf(path)).toBe('rollback')
  })

  it('it is not there -> no file is made', async () => {
    await expect(journalMode.toWal(join(folder, 'absent.db'))).rejects.toMatchObject({ code: 'DATABASE_READ_ONLY' })
    expect(existsSync(join(folder, 'absent.db'))).toBe(false)
  })

  it('killed at any moment of it -> the one mode or the other, all rows there, and the next switch succeeds', async () => {
    const module = JSON.stringify(new URL('./journal-mode.ts', import.meta.url).href)
    const program = `const { journalMode } = await import(${module})
      process.stdin.once('data', async () => { await journalMode.toWal(process.argv[1]); process.stdout.write('done') })
      process.stdout.write('ready')`
    for (let attempt = 0; attempt < 24; attempt++) {
      const copy = join(folder, `${attempt}.db`)
      copyFileSync(path, copy)
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, copy], { stdio: ['pipe', 'pipe', 'inherit'] })
      const ended = new Promise((resolve) => child.once('exit', resolve))
      await new Promise((resolve) => child.stdout.once('data', resolve))
      child.stdin.write('go')
      // From before the open to after the close, in steps shorter than a system call that waits for the disk.
      await pause(attempt / 4)
      child.kill('SIGKILL')
      await ended
      await journalMode.toWal(copy)
      expect([modeOf(copy), rowsOf(copy)]).toEqual(['wal', 2000])
    }
  })
})
