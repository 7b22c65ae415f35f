/** How a database is looked at: with its locks where somebody has it open, as plain bytes where nobody has, and else not at all. */
import { expect, it } from 'vitest'
import { atRest } from '../../test/support/small-runbook.ts'
import type { CaptureControl } from '../ports/capture-control.ts'
import { lookAccess } from './look-access.ts'

const bot = { pid: 100, command: 'python3 bot.py' }
const facts = { device: 1, inode: 1, sizeBytes: 0, mode: 0o600, uid: 0, gid: 0 }

it.each([
  ['nobody, without a log', [''], false, false, true, 'alone'],
  ['nobody, with the log of a bot that died', ['', '-wal'], false, false, true, null],
  ['nobody, with log and index of a bot that died', ['', '-wal', '-shm'], false, false, true, null],
  ['a bot', ['', '-wal', '-shm'], true, false, true, 'shared'],
  ['a bot that keeps no log', [''], true, false, true, 'shared'],
  ['its capture', ['', '-wal', '-shm'], false, true, true, 'shared'],
  ['nobody as far as can be told', ['', '-wal', '-shm'], false, false, false, 'shared'],
  ['nobody: there is none', [], false, true, true, 'alone'],
] as const)('open in %s -> %#', async (_, there, open, captured, complete, access) => {
  const names: readonly string[] = there.map((suffix) => `/data/bot.db${suffix}`)
  const ports = {
    files: { ...atRest.files, stat: async (path: string) => (names.includes(path) ? facts : null) },
    openFiles: { logsBeside: async () => [], holders: async () => ({ processes: open ? [bot] : [], complete, because: '' }) },
    capture: {
      reach: async () => (captured ? { pid: 200, control: {} as CaptureControl } : { pid: null, control: {} as CaptureControl }),
      knownFile: async () => null,
      timelineOf: async () => null,
    },
  }
  expect(await lookAccess(ports, '/data/bot.db')).toBe(access)
})
