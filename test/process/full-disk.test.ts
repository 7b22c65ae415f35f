/** The disk of the database is full in the middle of a commit: the bot is told so, the capture goes on, and nothing acknowledged is missing. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { children } from '../hosts/children.ts'
import { unshare } from '../hosts/needs.ts'
import { describeWith, linuxProc, python } from '../needs.ts'
import { requireSamePages } from '../storm/proof.ts'
import {
  clear,
  end,
  makeSystem,
  pause,
  query,
  restoreNewest,
  startCapture,
  startWriter,
  type TestSystem,
  until,
  witnessed,
} from '../support/system.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

describeWith([python, linuxProc, unshare], 'the disk of the database is full in the middle of a commit', () => {
  const start = children()
  let cleared: TestSystem | null = null
  afterEach(async () => {
    if (cleared !== null) await clear(cleared)
    cleared = null
  })

  /** A system whose database lies on a disk of its own, which nobody else sees. */
  async function onSmallDisk(size: string): Promise<{ readonly system: TestSystem; readonly live: string; grow(to: string): void }> {
    const plain = makeSystem()
    const disk = join(plain.folder, 'disk')
    mkdirSync(disk)
    const holder = start('unshare', [
      '--mount',
      'sh',
      '-c',
      `mount -t tmpfs -o size=${size} none ${disk} && echo mounted && exec sleep 300`,
    ])
    await holder.line(/mounted/)
    const through = ['nsenter', '--target', `${holder.pid}`, '--mount']
    const database = join(disk, 'bot.db')
    const system = { ...plain, database, through, settings: { ...plain.settings, database } }
    cleared = system
    const grow = (to: string): void => {
      execFileSync('nsenter', [...through.slice(1), 'mount', '-o', `remount,size=${to}`, disk])
    }
    return { system, live: join(`/proc/${holder.pid}/root`, database), grow }
  }

  it.each([
    ['the log has no room', '12m'],
    ['a checkpoint has no room', '28m'],
  ])('%s -> the bot fails, the capture goes on, and so does the bot when there is room', async (_name, size) => {
    const { system, live, grow } = await onSmallDisk(size)
    const shape = ['--rate', '800', '--payload', '30000', '--autocheckpoint', '200']
    const bot = await startWriter(system, ...shape)
    let errors = ''
    bot.stderr?.on('data', (text: Buffer) => {
      errors += text.toString()
    })
    const capture = await startCapture(system)
    expect(capture.errors()).toBe('')
    await until(() => bot.exitCode !== null, 'the end of the bot')
    expect([bot.exitCode, errors]).toEqual([1, expect.stringContaining('full')])
    await pause(300)
    grow('200m')
    const again = await startWriter(system, ...shape)
    const then = witnessed(system).length
    await until(() => witnessed(system).length > then + 100 || again.exitCode !== null, 'more commits')
    await end(system, again, 'SIGTERM')
    expect([capture.process.exitCode, capture.errors()]).toEqual([null, ''])
    expect(await captureClient(system.settings.captureFolder).drain()).toMatchObject({ complete: true })
    const { path } = await restoreNewest(system, 'restored.db')
    requireSamePages(live, path, join(system.folder, 'live.db'))
    expect(query(path, 'SELECT count(*) AS rows, max(seq) AS last FROM ticks')).toEqual({
      rows: witnessed(system).at(-1)?.seq,
      last: witnessed(system).at(-1)?.seq,
    })
    const warned = capture.events.filter(({ type }) => type === 'warning').map(({ because }) => because)
    expect(warned.every((because) => because?.includes('disk is full') === true)).toBe(true)
  })
})
