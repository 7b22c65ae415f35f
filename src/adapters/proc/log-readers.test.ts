/** Who reads from a database, and with what SQLite: real processes, a foreign SQLite. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { describeWith, linuxProc, python } from '../../../test/needs.ts'
import { logReaders } from './log-readers.ts'

vi.setConfig({ testTimeout: 30_000 })

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-readers-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const program = `import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA journal_mode=WAL")
database.execute("CREATE TABLE t (a)")
print("open", flush=True)
sys.stdin.readline()
database.execute("BEGIN")
database.execute("SELECT * FROM t").fetchall()
print("reading", flush=True)
sys.stdin.readline()
`

describeWith([python, linuxProc], 'a process that has a database open', () => {
  it('is in a read transaction or not -> told, and the version of its SQLite too', async () => {
    const path = join(folder, 'bot.db')
    expect(await logReaders.inTransaction(path)).toEqual([])
    const child = spawn('python3', ['-c', program, path], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: child.stdout })
    try {
      expect(await once(lines, 'line')).toEqual(['open'])
      expect(await logReaders.inTransaction(path)).toEqual([])
      child.stdin.write('\n')
      expect(await once(lines, 'line')).toEqual(['reading'])
      expect(await logReaders.inTransaction(path)).toEqual([child.pid])
      const version = execFileSync('python3', ['-c', 'import sqlite3; print(sqlite3.sqlite_version)'], { encoding: 'utf8' }).trim()
      expect(await logReaders.sqliteVersion(child.pid ?? 0)).toBe(version)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    expect(await logReaders.sqliteVersion(child.pid ?? 0)).toBeNull()
  })

  it('has SQLite in its own program, as Node -> known as well; has none -> not known', async () => {
    const node = spawn(process.execPath, ['-e', 'console.log(process.versions.sqlite); setInterval(() => {}, 1000)'])
    const sleep = spawn('sleep', ['60'])
    try {
      const [said] = await once(node.stdout, 'data')
      expect(await logReaders.sqliteVersion(node.pid ?? 0)).toBe(String(said).trim())
      expect(await logReaders.sqliteVersion(sleep.pid ?? 0)).toBeNull()
    } finally {
      node.kill('SIGKILL')
      sleep.kill('SIGKILL')
    }
  })
})
