/** A capture that would fill the disk of the bot: it gives its pin up, says so, and follows again with nothing lost. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { diskSpaceOf } from '../../src/adapters/filesystem/disk-space.ts'
import { isDrError } from '../../src/errors.ts'
import type { CapturePosition } from '../../src/ports/capture-control.ts'
import { MiB } from '../../src/units.ts'
import { unshare } from '../hosts/needs.ts'
import { describeWith, linuxProc, python } from '../needs.ts'
import {
  type Capture,
  clear,
  end,
  makeSystem,
  query,
  restoreNewest,
  startCapture,
  startWriter,
  type TestSystem,
  until,
  witnessed,
} from '../support/system.ts'

vi.setConfig({ testTimeout: 90_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

/** On a busy machine it may take longer to answer than a person waits. */
async function position(): Promise<CapturePosition> {
  for (let patience = 10; ; patience--) {
    try {
      return await captureClient(system.settings.captureFolder).position()
    } catch (error) {
      if (!isDrError(error, 'CAPTURE_SILENT') || patience === 0) throw error
    }
  }
}
const letGo = ({ events }: Capture) => events.filter((event) => event.type === 'let-go').map((event) => event.because)
const attached = ({ events }: Capture): number => events.filter((event) => event.type === 'attached').length

async function expectEverything(): Promise<void> {
  const { path } = await restoreNewest(system, 'r.db')
  expect(query(path, 'PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  const last = witnessed(system).at(-1)
  expect(query(path, 'SELECT max(seq) AS seq, sum(amount) AS sum FROM ticks')).toEqual({ seq: last?.seq, sum: last?.sum })
}

describeWith([python, linuxProc], 'a log that grows beyond its limit', () => {
  it('because the replica is away -> given up, the log of the bot begins anew; the replica is back -> followed again, nothing lost', async () => {
    const writer = await startWriter(system, '--rate', '300', '--payload', '120000')
    const capture = await startCapture(system, { walLimitBytes: 48 * MiB })
    renameSync(system.replica, `${system.replica}.away`)
    writeFileSync(system.replica, 'not a folder')
    await until(() => letGo(capture).length === 1, 'the pin is given up', 40_000)
    expect(letGo(capture)[0]).toMatch(
      /^the pin was given up at .* because the log has [\d.]+ MiB \(walLimit is 48.0 MiB\); commits since then/,
    )
    expect(await position()).toMatchObject({ state: 'let-go', continuous: false, gaveUp: { untilMs: null } })
    const size = statSync(`${system.database}-wal`).size
    await until(() => witnessed(system).length > 0, 'it goes on')
    const before = witnessed(system).length
    await until(() => witnessed(system).length > before + 600, 'six hundred commits more')
    // 600 commits of 60 KiB have 35 MiB: a log that is begun anew takes them without growing by them.
    expect(statSync(`${system.database}-wal`).size).toBeLessThan(size + 16 * MiB)
    rmSync(system.replica)
    renameSync(`${system.replica}.away`, system.replica)
    await until(() => attached(capture) === 2, 'it follows again', 40_000)
    expect(await position()).toMatchObject({
      state: 'capturing',
      continuous: true,
      gaveUp: { because: expect.stringContaining('the log has') },
    })
    expect((await position()).gaveUp?.untilMs).not.toBeNull()
    await end(system, writer, 'SIGTERM')
    await end(system, capture.process, 'SIGTERM')
    await expectEverything()
  })

  it('because a reader of the bot never ends -> since when is told, given up; the reader ends -> followed again', async () => {
    const writer = await startWriter(system, '--rate', '300', '--payload', '120000')
    const program =
      'import sqlite3,sys; d=sqlite3.connect(sys.argv[1],isolation_level=None); d.execute("BEGIN"); d.execute("SELECT count(*) FROM ticks").fetchall(); print("r",flush=True); sys.stdin.read()'
    const reader = spawn('python3', ['-c', program, system.database], { stdio: ['pipe', 'pipe', 'inherit'] })
    system.children.add(reader)
    await once(reader.stdout, 'data')
    const capture = await startCapture(system, { walLimitBytes: 100 * MiB })
    await until(async () => (await position()).walLargeSinceMs !== null, 'the log is large', 30_000)
    await until(() => letGo(capture).length === 1, 'the pin is given up', 30_000)
    await end(system, reader, 'SIGKILL')
    await until(() => attached(capture) === 2, 'it follows again', 40_000)
    await end(system, writer, 'SIGTERM')
    await end(system, capture.process, 'SIGTERM')
    await expectEverything()
  })
})

describeWith([python, linuxProc, unshare], 'the disk of the database', () => {
  const disk = (): string => join(system.folder, 'disk')
  const unmount = (): void => {
    execFileSync('umount', ['--lazy', disk()])
  }

  it('is filled by somebody else -> the pin is given up before the bot meets it; room again -> followed again, nothing lost', async () => {
    mkdirSync(disk())
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk()])
    try {
      const database = join(disk(), 'bot.db')
      const onDisk = { ...system, database, settings: { ...system.settings, database } }
      const writer = await startWriter(onDisk, '--rate', '50', '--payload', '2000')
      const capture = await startCapture(onDisk, { freeSpaceBytes: 24 * MiB })
      const ballast = join(disk(), 'ballast')
      while ((diskSpaceOf(database)?.freeBytes ?? 0) > 16 * MiB) appendFileSync(ballast, Buffer.alloc(MiB))
      await until(() => letGo(capture).length === 1, 'the pin is given up')
      expect(letGo(capture)[0]).toMatch(/because only [\d.]+ MiB are free on the disk of the database \(freeSpace is 24.0 MiB\)/)
      expect(writer.exitCode).toBeNull()
      rmSync(ballast)
      await until(() => attached(capture) === 2, 'it follows again', 40_000)
      await end(system, writer, 'SIGTERM')
      await end(system, capture.process, 'SIGTERM')
      await expectEverything()
    } finally {
      unmount()
    }
  })

  it('is full to the last byte while we checkpoint and keep our state -> the capture lives on, and nothing is lost when there is room', async () => {
    mkdirSync(disk())
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', disk()])
    try {
      const database = join(disk(), 'bot.db')
      const onDisk = { ...system, database, settings: { ...system.settings, database, captureFolder: join(disk(), '.bot.db-dr') } }
      const capture0 = await startWriter(onDisk, '--rate', '100', '--payload', '40000', '--limit', '100')
      await until(() => capture0.exitCode !== null, 'the database is begun')
      const capture = await startCapture(onDisk)
      const writer = await startWriter(onDisk, '--rate', '200', '--payload', '40000')
      const ballast = join(disk(), 'ballast')
      while ((diskSpaceOf(database)?.freeBytes ?? 0) > 4 * MiB) appendFileSync(ballast, Buffer.alloc(MiB))
      // The bot meets "database or disk is full" and ends with it.
      await until(() => writer.exitCode !== null, 'the bot ends of the full disk')
      expect(capture.process.exitCode).toBeNull()
      rmSync(ballast)
      const again = await startWriter(onDisk, '--rate', '100')
      await end(system, again, 'SIGTERM')
      expect(await end(system, capture.process, 'SIGTERM')).toBe(0)
      await expectEverything()
    } finally {
      unmount()
    }
  })
})
