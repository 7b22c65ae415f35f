/** The disk rots under a file that is in memory: whoever reads the file as always sees nothing of it, and the scrub does. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { loopDevice } from '../hosts/needs.ts'
import { describeWith } from '../needs.ts'
import { clear, makeSystem, startCapture, type TestSystem } from '../support/system.ts'

const sh = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8' }).trim()
const marked = 'a row that stands nowhere else'

describeWith([loopDevice], 'a block device rots under a cached file', () => {
  let outside: TestSystem
  let system: TestSystem
  let device = ''
  const image = (): string => join(outside.folder, 'image')

  beforeEach(() => {
    outside = makeSystem()
    writeFileSync(image(), '')
    truncateSync(image(), 32 * 1024 * 1024)
    sh('mkfs.ext4', '-q', '-b', '4096', image())
    device = sh('losetup', '-f', '--show', '--direct-io=off', image())
    const mounted = join(outside.folder, 'mounted')
    mkdirSync(mounted)
    sh('mount', device, mounted)
    const database = join(mounted, 'bot.db')
    system = { ...outside, database, settings: { ...outside.settings, database, captureFolder: join(mounted, '.bot.db-dr') } }
  })
  afterEach(async () => {
    for (const child of outside.children) child.kill('SIGKILL')
    sh('umount', '-l', join(outside.folder, 'mounted'))
    sh('losetup', '-d', device)
    await clear(outside)
  })

  it('one bit on the device -> every look through the cache says that all is well; the scrub names the page', async () => {
    const bot = new DatabaseSync(system.database)
    bot.exec('PRAGMA journal_mode=WAL; CREATE TABLE t (i INTEGER PRIMARY KEY, s)')
    for (let row = 0; row < 300; row++) bot.prepare('INSERT INTO t VALUES (?, ?)').run(row, row === 150 ? marked : 'x'.repeat(200))
    bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    sh('sync', '-f', system.database)
    await startCapture(system)
    const client = captureClient(system.settings.captureFolder)
    expect(await client.scrub()).toMatchObject({ damaged: [], because: null, reads: 'direct' })

    const before = readFileSync(system.database)
    const device = readFileSync(image())
    const onDevice = openSync(image(), 'r+')
    // The blocks that the log once had still hold it too; which of them are the file's does not matter.
    for (let at = device.indexOf(marked); at !== -1; at = device.indexOf(marked, at + 1)) {
      writeSync(onDevice, Uint8Array.of(marked.charCodeAt(0) ^ 1), 0, 1, at)
    }
    closeSync(onDevice)

    expect(readFileSync(system.database).equals(before)).toBe(true)
    expect(bot.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
    expect(bot.prepare('SELECT s FROM t WHERE i = 150').get()).toEqual({ s: marked })
    const page = Math.floor(before.indexOf(marked) / 4096) + 1
    expect(await client.scrub()).toMatchObject({ damaged: [page], because: null })
    bot.close()
  })
})
