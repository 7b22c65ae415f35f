/** A lock counts as held when the kernel shows it, whatever SQLite says. */
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { children } from '../../../test/hosts/children.ts'
import { setpriv } from '../../../test/hosts/needs.ts'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import { whyUnproven } from './lock-proof.ts'

let folder = ''
let path = ''
let bot: DatabaseSync

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-proof-'))
  chmodSync(folder, 0o755)
  path = join(folder, 'bot.db')
  bot = new DatabaseSync(path)
  bot.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (x)')
})
afterEach(() => {
  bot.close()
  rmSync(folder, { recursive: true })
})

const shm = () => {
  const { dev: device, ino: inode } = statSync(`${path}-shm`)
  return { device, inode }
}

describeWith([linuxProc], 'locks of our own', () => {
  it('a transaction that writes, and one that reads -> each is proven while it stands, and not after', () => {
    expect(whyUnproven(shm(), 'write lock')).toBe('/proc/locks does not show the write lock that SQLite says it took')
    bot.exec('BEGIN IMMEDIATE')
    expect(whyUnproven(shm(), 'write lock')).toBeNull()
    bot.exec('ROLLBACK; BEGIN; SELECT count(*) FROM t')
    expect([whyUnproven(shm(), 'write lock'), whyUnproven(shm(), 'read mark')]).toEqual([expect.any(String), null])
    bot.exec('ROLLBACK')
    expect(whyUnproven(shm(), 'read mark')).toBe('/proc/locks does not show the read mark that SQLite says it took')
    expect(whyUnproven(null, 'read mark')).toBe('there is no -shm to look for the read mark on')
  })

  it('its read mark is the last one, beside another lock of SQLite -> proven all the same', () => {
    const readers: DatabaseSync[] = []
    for (let each = 0; each < 4; each++) {
      bot.exec('INSERT INTO t VALUES (1)')
      const reader = new DatabaseSync(path)
      readers.push(reader)
      reader.exec('BEGIN; SELECT count(*) FROM t')
    }
    // The first three marks are given back; the last one and the lock on the byte behind it are shown as one.
    for (const reader of readers.slice(0, 3)) reader.exec('ROLLBACK')
    expect(whyUnproven(shm(), 'read mark')).toBeNull()
    for (const reader of readers) reader.close()
  })
})

describeWith([setpriv, linuxProc], 'a user who may only read', () => {
  const start = children()

  it('SQLite says that it holds the write lock -> the kernel does not, and neither do we', async () => {
    const script = `const { DatabaseSync } = await import('node:sqlite')
      const { whyUnproven } = await import(${JSON.stringify(new URL('./lock-proof.ts', import.meta.url).href)})
      const reader = new DatabaseSync(${JSON.stringify(path)})
      reader.exec('BEGIN IMMEDIATE')
      console.log('taken: ' + reader.isTransaction + ', ' + whyUnproven(${JSON.stringify(shm())}, 'write lock'))`
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
    const child = start('setpriv', [...nobody, process.execPath, '--input-type=module', '-e', script])
    expect(await child.line(/^taken/)).toBe('taken: true, /proc/locks does not show the write lock that SQLite says it took')
    // The bot itself is not held up by it.
    bot.exec("INSERT INTO t VALUES ('committed')")
  })
})
