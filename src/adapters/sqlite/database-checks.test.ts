/** Databases of programs that bring functions, collations, modules and tokenizers of their own, as a SQLite finds them that has none of these. */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { databaseChecks } from './database-checks.ts'
import { schemaReader } from './schema-reader.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-checks-'))
  path = join(folder, 'bot.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Whatever makes these databases knows what is needed; here the schema is given its words afterwards, which comes to the same. */
function made(schema: string, from: string, to: string): void {
  const database = new DatabaseSync(path)
  database.enableDefensive(false)
  database.exec(`CREATE TABLE plain (a); INSERT INTO plain VALUES (1), (2); ${schema}; PRAGMA writable_schema=1`)
  database.prepare('UPDATE sqlite_schema SET sql = replace(sql, ?, ?)').run(from, to)
  database.close()
}

const cases: readonly (readonly [string, string, string, string, RegExp])[] = [
  ['a collation', 'CREATE TABLE t (a TEXT COLLATE NOCASE PRIMARY KEY)', 'NOCASE', 'mycoll', /t \(no such collation sequence: mycoll\)/],
  ['a function in an index', 'CREATE TABLE t (a); CREATE INDEX i ON t (abs(a))', 'abs(', 'myf(', /t \(unknown function: myf\(\)\)/],
]

describe('SQLite here does not know', () => {
  it.each(cases)('%s -> the table that needs it is named, and is not called damaged', async (_what, schema, from, to, said) => {
    made(schema, from, to)
    await expect(databaseChecks.integrity(path, 'full', 'alone')).rejects.toMatchObject({
      code: 'SQLITE_LACKS',
      message: expect.stringMatching(said),
    })
  })
  it('a module -> its table is named, and all others are read; what its schema says of them is known', async () => {
    made('CREATE VIRTUAL TABLE v USING fts5(a)', 'fts5(a)', 'vec0(e float[4])')
    expect(await databaseChecks.integrity(path, 'quick', 'alone')).toEqual([])
    await expect(databaseChecks.rowCounts(path, 'alone')).rejects.toMatchObject({
      code: 'SQLITE_LACKS',
      message: expect.stringMatching(/: v \(no such module: vec0\); the others were looked at$/),
    })
    expect((await schemaReader.read(path, 'alone')).tables).toMatchObject({ plain: ['a'] })
  })
  it('a collation, and another table is damaged -> that is damage', async () => {
    made('CREATE TABLE t (a TEXT COLLATE NOCASE PRIMARY KEY)', 'NOCASE', 'mycoll')
    const database = new DatabaseSync(path, { readOnly: true })
    const page = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'plain'").get()?.['rootpage'])
    database.close()
    const file = openSync(path, 'r+')
    writeSync(file, new Uint8Array(64).fill(0x5a), 0, 64, (page - 1) * 4096)
    closeSync(file)
    expect((await databaseChecks.integrity(path, 'quick', 'alone')).length).toBeGreaterThan(0)
  })
})
