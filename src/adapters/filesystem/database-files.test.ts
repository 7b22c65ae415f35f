/** Database files are set aside and put in place, and nothing that is there is ever overwritten. */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeWith, linuxProc, type Need } from '../../../test/needs.ts'
import { must } from '../../assert.ts'
import { databaseFiles } from './database-files.ts'

let folder = ''
let database = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'database-files-'))
  database = join(folder, 'bot.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

describe('looking at a path', () => {
  it('a file is there -> what it is; nothing, or a way that leads nowhere -> null', async () => {
    write('bot.db', 'content')
    const { dev, ino, mode, uid, gid } = statSync(database)
    expect(await databaseFiles.stat(database)).toEqual({ device: dev, inode: ino, sizeBytes: 7, mode, uid, gid })
    expect(await databaseFiles.stat(join(folder, 'absent'))).toBeNull()
    expect(await databaseFiles.stat(join(database, 'below-a-file'))).toBeNull()
  })
})

describe('setting a database aside', () => {
  it('with all of its companions -> every file is renamed, not copied, and the old place is empty', async () => {
    for (const suffix of ['', '-wal', '-shm', '-journal']) write(`bot.db${suffix}`, `content${suffix}`)
    const inode = statSync(database).ino
    const aside = join(folder, 'evidence', 'run-1')
    const names = ['bot.db', 'bot.db-wal', 'bot.db-shm', 'bot.db-journal']
    expect(await databaseFiles.setAside(database, aside)).toEqual(names.map((name) => join(aside, name)))
    expect(readdirSync(folder)).toEqual(['evidence'])
    expect(names.map((name) => read(`evidence/run-1/${name}`))).toEqual(['content', 'content-wal', 'content-shm', 'content-journal'])
    expect(statSync(join(aside, 'bot.db')).ino).toBe(inode)
  })

  it('only some of the files are there -> those, and other files of the folder stay', async () => {
    write('bot.db-wal', 'log')
    write('other.db', 'other')
    expect(await databaseFiles.setAside(database, join(folder, 'evidence'))).toEqual([join(folder, 'evidence', 'bot.db-wal')])
    expect(read('other.db')).toBe('other')
  })

  it('it died between two renames, and is repeated -> the rest is moved, and what was moved is as it was', async () => {
    const aside = join(folder, 'evidence')
    mkdirSync(aside)
    write('evidence/bot.db', 'moved before')
    write('bot.db-wal', 'not moved yet')
    expect(await databaseFiles.setAside(database, aside)).toEqual([join(aside, 'bot.db-wal')])
    expect([read('evidence/bot.db'), read('evidence/bot.db-wal')]).toEqual(['moved before', 'not moved yet'])
    expect(await databaseFiles.setAside(database, aside)).toEqual([])
  })

  it.each(['', '-wal', '-shm'])(
    'the name bot.db%s is taken in the folder -> OUTPUT_EXISTS, and neither file is touched',
    async (suffix) => {
      mkdirSync(join(folder, 'evidence'))
      write(`evidence/bot.db${suffix}`, 'the only copy')
      write('bot.db', 'database')
      write(`bot.db${suffix}`, 'what came after')
      await expect(databaseFiles.setAside(database, join(folder, 'evidence'))).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
      expect([read(`evidence/bot.db${suffix}`), read(`bot.db${suffix}`)]).toEqual(['the only copy', 'what came after'])
    },
  )

  it('the folder cannot be made -> IO_FAILED, and the database is where it was', async () => {
    write('bot.db', 'database')
    write('evidence', 'a file of that name')
    await expect(databaseFiles.setAside(database, join(folder, 'evidence', 'run-1'))).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(read('bot.db')).toBe('database')
  })
})

describe('putting a file in place', () => {
  it('the name is free -> it has it, and the temporary name is gone', async () => {
    const temporary = write('bot.db.temporary', 'restored')
    const { ino } = statSync(temporary)
    await databaseFiles.place(temporary, database, null)
    expect(readdirSync(folder)).toEqual(['bot.db'])
    expect([read('bot.db'), statSync(database).ino]).toEqual(['restored', ino])
  })

  it.each(['a file', 'a folder', 'a link that leads nowhere'])('%s has the name -> OUTPUT_EXISTS, and both stay', async (what) => {
    const temporary = write('bot.db.temporary', 'restored')
    if (what === 'a file') write('bot.db', 'somebody wrote this')
    else if (what === 'a folder') mkdirSync(database)
    else symlinkSync('/nowhere/at/all', database)
    await expect(databaseFiles.place(temporary, database, null)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
    expect(read('bot.db.temporary')).toBe('restored')
    if (what === 'a file') expect(read('bot.db')).toBe('somebody wrote this')
  })

  it.each(['-wal', '-shm', '-journal'])(
    'a file named as the %s of it stands there -> OUTPUT_EXISTS: it would be taken for its own',
    async (suffix) => {
      const temporary = write('bot.db.temporary', 'restored')
      write(`bot.db${suffix}`, 'of another database')
      await expect(databaseFiles.place(temporary, database, null)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
      expect([read('bot.db.temporary'), read(`bot.db${suffix}`), existsSync(database)]).toEqual(['restored', 'of another database', false])
    },
  )

  it('sixteen are put in one place at once -> one has the name, the others keep theirs', async () => {
    const waiting = Array.from({ length: 16 }, (_, at) => write(`candidate-${at}`, `candidate ${at}`))
    const settled = await Promise.allSettled(waiting.map((one) => databaseFiles.place(one, database, null)))
    const winner = settled.findIndex((one) => one.status === 'fulfilled')
    expect(settled.filter((one) => one.status === 'fulfilled')).toHaveLength(1)
    expect(read('bot.db')).toBe(`candidate ${winner}`)
    expect(readdirSync(folder)).toHaveLength(16)
  })

  it('mode of what was there -> kept', async () => {
    const like = must(await databaseFiles.stat(write('former.db', 'former')), 'it was written')
    for (const mode of [0o640, 0o600, 0o666]) {
      const temporary = write('bot.db.temporary', 'restored')
      chmodSync(temporary, 0o600)
      await databaseFiles.place(temporary, database, { ...like, mode: 0o100000 | mode })
      expect(statSync(database).mode & 0o7777).toBe(mode)
      rmSync(database)
    }
  })

  it('it died between the two names, and is repeated -> refused, and both names are the same file', async () => {
    const temporary = write('bot.db.temporary', 'restored')
    linkSync(temporary, database)
    await expect(databaseFiles.place(temporary, database, null)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
    expect(await databaseFiles.stat(temporary)).toEqual(await databaseFiles.stat(database))
    await databaseFiles.removeTemporary(temporary)
    expect([readdirSync(folder), read('bot.db')]).toEqual([['bot.db'], 'restored'])
  })

  it('the temporary file is gone -> said, and nothing is put in place', async () => {
    await expect(databaseFiles.place(join(folder, 'absent'), database, null)).rejects.toMatchObject({ code: 'IO_FAILED' })
    expect(existsSync(database)).toBe(false)
  })
})

const root: Need = { what: 'root', found: process.getuid?.() === 0 ? 'root' : null, how: 'run as root' }

describeWith([root], 'putting a file in place, as root', () => {
  it('owner and group of what was there -> kept, with a mode that a change of owner would clear', async () => {
    const temporary = write('bot.db.temporary', 'restored')
    const facts = must(await databaseFiles.stat(temporary), 'it was written')
    await databaseFiles.place(temporary, database, { ...facts, uid: 4711, gid: 4712, mode: 0o102660 })
    const { uid, gid, mode } = statSync(database)
    expect([uid, gid, mode & 0o7777]).toEqual([4711, 4712, 0o2660])
  })
})

describe('what is written beside', () => {
  it('a new file -> whole; a name that is taken -> OUTPUT_EXISTS, and the old content stays', async () => {
    const path = join(folder, 'manifest.json')
    await databaseFiles.writeNew(path, new TextEncoder().encode('first'))
    await expect(databaseFiles.writeNew(path, new TextEncoder().encode('second'))).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' })
    expect([readdirSync(folder), read('manifest.json')]).toEqual([['manifest.json'], 'first'])
  })

  it('files of a folder -> each with its size and SHA-256, by name; folders in it are left out', async () => {
    write('b', '')
    write('a', 'content')
    mkdirSync(join(folder, 'c'))
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
    expect(await databaseFiles.hashFolder(folder)).toEqual([
      { name: 'a', sizeBytes: 7, sha256: hash('content') },
      { name: 'b', sizeBytes: 0, sha256: hash('') },
    ])
  })

  it('a temporary file -> removed with what SQLite put beside it; nothing there -> fine', async () => {
    for (const suffix of ['', '-wal', '-shm', '-journal']) write(`bot.db.temporary${suffix}`, 'x')
    write('bot.db', 'database')
    await databaseFiles.removeTemporary(`${database}.temporary`)
    await databaseFiles.removeTemporary(`${database}.temporary`)
    expect(readdirSync(folder)).toEqual(['bot.db'])
  })

  it('the folder for evidence is on the disk of the database -> that one, whether it is there yet or not', async () => {
    const preferred = join(folder, '.genesis', 'evidence', 'run-1')
    expect(await databaseFiles.evidenceFolder(database, preferred)).toBe(preferred)
    expect(existsSync(preferred)).toBe(false)
  })
})

describeWith([linuxProc], 'evidence on another disk', () => {
  it('the folder for evidence is on another disk -> one beside the database, so that a rename is enough', async () => {
    const beside = join(folder, '.bot.db-dr', 'evidence', 'run-1')
    expect(await databaseFiles.evidenceFolder(database, '/proc/evidence/run-1')).toBe(beside)
  })
})
