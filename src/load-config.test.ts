/** From paths on a disk to the configuration: the database is a file, and has one name however it is reached. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRestingDatabase } from './adapters/filesystem/resting-database.ts'
import type { Config } from './config.ts'
import { isDrError } from './errors.ts'
import { loadConfig } from './load-config.ts'

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'load-config-')))
  mkdirSync(join(folder, 'real'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const load = (database: string): Config => loadConfig({ config: null, database, replica: null, environment: {}, workingFolder: folder })
const refusal = (database: string): string => {
  try {
    return load(database).database
  } catch (error) {
    if (isDrError(error, 'CONFIG_INVALID')) return error.message
    throw error
  }
}
const at = (...parts: string[]): string => join(folder, ...parts)

describe('the path of the database', () => {
  it('a link, a link to a link, or a folder that is one -> the file itself, and the state folder beside that', () => {
    writeFileSync(at('real/bot.db'), '')
    symlinkSync('real/bot.db', at('link.db'))
    symlinkSync(at('link.db'), at('again.db'))
    symlinkSync('real', at('folder'))
    for (const path of ['real/bot.db', 'link.db', 'again.db', 'folder/bot.db'])
      expect(load(path)).toMatchObject({ database: at('real/bot.db'), stateFolder: at('real/.bot.db-dr'), name: 'bot.db' })
  })

  it('nothing is there, as in the middle of a recovery -> the same path as when it was there', () => {
    symlinkSync('real/bot.db', at('link.db'))
    symlinkSync('link.db', at('again.db'))
    symlinkSync('real', at('folder'))
    for (const path of ['real/bot.db', 'link.db', 'again.db', 'folder/bot.db']) expect(load(path).database).toBe(at('real/bot.db'))
    expect(load('no/such/bot.db').database).toBe(at('no/such/bot.db'))
  })

  it('a link into a folder that is not there, or to itself -> CONFIG_INVALID', () => {
    symlinkSync('nowhere/bot.db', at('dangling.db'))
    symlinkSync('loop.db', at('loop.db'))
    expect(refusal('dangling.db')).toBe(
      `the database ${at('dangling.db')} is a symbolic link to ${at('nowhere/bot.db')}, and there is no folder ${at('nowhere')}`,
    )
    expect(refusal('loop.db')).toContain('loop.db')
    expect(refusal('loop.db')).not.toBe(at('loop.db'))
  })

  it('a folder, a pipe, or a device -> CONFIG_INVALID at once, and a reader at rest does not wait for a writer either', () => {
    execFileSync('mkfifo', [at('pipe')])
    symlinkSync('pipe', at('to-pipe'))
    expect(refusal('real')).toBe(`the database ${at('real')} is a folder, not a file`)
    expect(refusal('pipe')).toBe(`the database ${at('pipe')} is a pipe, not a file`)
    expect(refusal('to-pipe')).toBe(`the database ${at('pipe')} is a pipe, not a file`)
    expect(refusal('/dev/null')).toContain('is a device, not a file')
    for (const name of ['pipe', 'real'])
      expect(() => openRestingDatabase(at(name))).toThrow(expect.objectContaining({ code: 'DATABASE_NOT_SQLITE' }))
    writeFileSync(at('real/bot.db'), '')
    execFileSync('mkfifo', [at('real/bot.db-wal')])
    expect(() => openRestingDatabase(at('real/bot.db'))).toThrow(expect.objectContaining({ code: 'DATABASE_NOT_SQLITE' }))
  })
})
