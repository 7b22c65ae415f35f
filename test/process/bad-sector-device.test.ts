/** A disk with sectors that it does not give, for real: the last blocks of the database lie beyond the end of the device. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { children } from '../hosts/children.ts'
import { loopDevice } from '../hosts/needs.ts'
import { describeWith } from '../needs.ts'
import { cliEntry, errorOf, genesis } from '../support/cli.ts'

vi.setConfig({ testTimeout: 60_000 })

const blockBytes = 4096
const rows = 900
const sh = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8' }).trim()

describeWith([loopDevice], 'a disk that does not give the last pages of the database', () => {
  const start = children()
  let folder = ''
  let device = ''
  const at = (...names: string[]): string => join(folder, ...names)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'genesis-dr-device-'))
    const image = at('image')
    writeFileSync(image, '')
    truncateSync(image, 96 * 1024 * 1024)
    sh('mkfs.ext4', '-q', '-b', String(blockBytes), '-O', '^has_journal', image)
    device = sh('losetup', '-f', '--show', '--direct-io=off', image)
    mkdirSync(at('m'))
    sh('mount', device, at('m'))
    // The database comes to lie at the end of what is used, and nothing new behind it.
    fill('first', 74)
    const database = new DatabaseSync(at('m', 'bot.db'))
    database.exec(`PRAGMA journal_mode=WAL; CREATE TABLE t (i INTEGER PRIMARY KEY, s); BEGIN`)
    const insert = database.prepare('INSERT INTO t VALUES (?, ?)')
    for (let row = 0; row < rows; row++) insert.run(row, 'x'.repeat(4000))
    database.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)')
    database.close()
    sh('sync')
    fill('rest', 96)
    sh('sync')
    rmSync(at('m', 'first'))
    writeFileSync(at('genesis-dr.yaml'), JSON.stringify({ name: 'desk', database: 'm/bot.db', replica: 'file:./replica' }))
  })
  afterEach(() => {
    sh('umount', '-l', at('m'))
    sh('losetup', '-d', device)
    rmSync(folder, { recursive: true })
  })

  function fill(name: string, MiB: number): void {
    try {
      writeFileSync(at('m', name), new Uint8Array(MiB * 1024 * 1024))
    } catch (error) {
      // Full is what it is to be.
      expect(error).toMatchObject({ code: 'ENOSPC' })
    }
  }

  /** What is in memory of the file is forgotten, as by a start of the machine. */
  function loseLastBlocks(): void {
    const last = /\d+\.\.\s*\d+:\s*\d+\.\.\s*(\d+):.*last/.exec(sh('filefrag', '-v', at('m', 'bot.db')))?.[1]
    sh('sync')
    truncateSync(at('image'), (Number(last) - 8) * blockBytes)
    sh('losetup', '-c', device)
    sh('dd', `if=${at('m', 'bot.db')}`, 'iflag=nocache', 'count=0', 'status=none')
    expect(() => readFileSync(at('m', 'bot.db'))).toThrow('EIO')
  }

  const replicate = () => start(process.execPath, [cliEntry, 'replicate', '--json', '--config', at('genesis-dr.yaml')])
  const execute = ['execute', '--scenario', 'DATABASE_CORRUPTION', '--yes', 'desk', '--json']

  it('its capture runs -> the scrub tells it, and execute takes the pages from the replica: nothing is given up', async () => {
    const capture = replicate()
    await capture.line(/"attached"/)
    loseLastBlocks()
    await capture.line(/"damaged-pages"/)
    const { stdout } = await genesis(execute, { cwd: folder })
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ success: true, lostTransactions: 0, rpoMet: true })
    expect(result.steps).toContainEqual(expect.objectContaining({ name: 'repair-pages', outcome: 'done' }))
    const database = new DatabaseSync(at('m', 'bot.db'), { readOnly: true })
    expect(database.prepare('SELECT count(*) AS n, min(length(s)) AS s FROM t').get()).toEqual({ n: rows, s: 4000 })
    database.close()
  })

  it('no capture can attach -> it ends with the damage named, and execute recovers all the same', async () => {
    const capture = replicate()
    await capture.line(/"attached"/)
    await capture.end('SIGTERM')
    // Its log is gone, so that every page would have to be compared.
    for (const name of ['bot.db-wal', 'bot.db-shm']) rmSync(at('m', name), { force: true })
    loseLastBlocks()
    const { status, ...said } = await genesis(['replicate', '--config', at('genesis-dr.yaml')], { cwd: folder })
    expect([status, errorOf({ status, ...said })]).toEqual([1, 'DATABASE_DAMAGED'])
    const { stdout } = await genesis(execute, { cwd: folder })
    expect(JSON.parse(stdout)).toMatchObject({
      success: true,
      notProven: expect.arrayContaining(['nothing newer than the replica was lost']),
    })
  })
})
