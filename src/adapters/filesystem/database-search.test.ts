/** A bot's folder as it is after a year: databases, files that only look like one, and what we left there ourselves. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseSearch } from './database-search.ts'

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'genesis-dr-search-')))
})
afterEach(() => rmSync(folder, { recursive: true }))

function put(path: string, mode = 'WAL'): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  const database = new DatabaseSync(join(folder, path))
  database.exec(`PRAGMA journal_mode=${mode}; CREATE TABLE t (a)`)
  database.close()
}
const found = async (): Promise<readonly string[]> =>
  (await databaseSearch.below(folder)).files.map(({ path, journal }) => `${relative(folder, path)} ${journal}`)

describe('below a folder', () => {
  it('databases of any name, down to the third folder -> found, with their journal mode, by path', async () => {
    put('trades.sqlite')
    put('no-ending', 'DELETE')
    put('a/b/c/deep.db')
    put('a/b/c/d/too-deep.db')
    put('.genesis/data/genesis.db')
    expect(await found()).toEqual(['.genesis/data/genesis.db wal', 'a/b/c/deep.db wal', 'no-ending rollback', 'trades.sqlite wal'])
  })

  it('files that only look like a database -> not found, and nothing is hung up on', async () => {
    writeFileSync(join(folder, 'empty.db'), '')
    writeFileSync(join(folder, 'short.db'), 'SQLite format 3\0')
    writeFileSync(join(folder, 'text.sqlite'), 'CREATE TABLE t (a);'.repeat(20))
    execFileSync('mkfifo', [join(folder, 'pipe.db')])
    symlinkSync('nowhere', join(folder, 'broken.db'))
    symlinkSync('.', join(folder, 'loop'))
    expect(await databaseSearch.below(folder)).toMatchObject({ files: [], gaps: [] })
  })

  it('our own copies, evidence, state and restores that were left -> not taken for the bot’s', async () => {
    put('.genesis/evidence/run-1/trades.db')
    put('.genesis/replica/x.db')
    put('.trades.db-dr/capture.lock')
    put('node_modules/x/y.db')
    put('replica/00000001/ltx/x.db')
    put('.venv/x.db')
    put('trades.db.genesis-dr-validate-1')
    put('trades.db')
    expect(await found()).toEqual(['trades.db wal'])
  })

  it('one file by two names, and a link to one that lies elsewhere -> each once, by its own path', async () => {
    put('data/trades.db')
    symlinkSync('data/trades.db', join(folder, 'current.db'))
    expect(await found()).toEqual(['data/trades.db wal'])
  })

  it('a folder that is not there, or is a file -> DATABASE_MISSING says which', async () => {
    put('trades.db')
    await expect(databaseSearch.below(join(folder, 'absent'))).rejects.toMatchObject({
      message: expect.stringMatching(/^there is no folder/),
    })
    await expect(databaseSearch.below(join(folder, 'trades.db'))).rejects.toMatchObject({
      message: expect.stringMatching(/is not a folder$/),
    })
  })

  it('whatever is there -> nothing appears beside it', async () => {
    put('trades.db')
    copyFileSync(join(folder, 'trades.db'), join(folder, 'copy.db'))
    const before = readdirSync(folder)
    await databaseSearch.below(folder)
    expect(readdirSync(folder)).toEqual(before)
  })
})

describe('one path', () => {
  it.each([
    ['absent.db', 'DATABASE_MISSING'],
    ['text.db', 'DATABASE_NOT_SQLITE'],
    ['.', 'DATABASE_NOT_SQLITE'],
  ])('%s -> %s', async (name, code) => {
    writeFileSync(join(folder, 'text.db'), 'no database')
    await expect(databaseSearch.at(join(folder, name))).rejects.toMatchObject({ code })
  })
})
