/** The capture as a real process beside a real writer that is not Node: what it does, what it holds, and which database it follows. */
import { copyFileSync, rmSync, statSync } from 'node:fs'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { describeWith, linuxProc, python } from '../needs.ts'
import { holdsReadMark } from '../support/read-marks.ts'
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

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

/** The restored database is a prefix of what was acknowledged (or one commit more, which nobody was told of yet), and is sound. */
function expectPrefix(path: string): number {
  const row = query(path, 'SELECT coalesce(max(seq), 0) AS last, count(*) AS rows, coalesce(sum(amount), 0) AS sum FROM ticks')
  const last = Number(row['last'])
  expect(query(path, 'PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  expect(row['rows']).toBe(last)
  const line = witnessed(system).find((one) => one.seq === last)
  if (line !== undefined) expect(row['sum']).toBe(line.sum)
  expect(last).toBeLessThanOrEqual((witnessed(system).at(-1)?.seq ?? 0) + 1)
  return last
}

describeWith([python], 'a capture beside a writer', () => {
  it('SIGTERM -> flushed, exit 0, the log of the bot is still there, and the next start goes on without a snapshot', async () => {
    const writer = await startWriter(system, '--rate', '200')
    const first = await startCapture(system)
    await pause(300)
    expect(await end(system, first.process, 'SIGTERM')).toBe(0)
    expect(statSync(`${system.database}-wal`).size).toBeGreaterThan(0)
    const second = await startCapture(system)
    expect(second.events.find((event) => event.type === 'attached')?.do).toBe('continue')
    await end(system, writer, 'SIGTERM')
    const drained = await captureClient(system.settings.captureFolder).drain()
    expect(drained.complete).toBe(true)
    expect(expectPrefix((await restoreNewest(system, 'r.db')).path)).toBe(witnessed(system).at(-1)?.seq)
  })

  it('writer at full speed with its own checkpoints -> the log stays bounded, and nothing is missed', async () => {
    const writer = await startWriter(system, '--rate', '0')
    const capture = await startCapture(system)
    const largest = { bytes: 0 }
    for (let look = 0; look < 40; look++) {
      await pause(50)
      largest.bytes = Math.max(largest.bytes, statSync(`${system.database}-wal`).size)
    }
    await end(system, writer, 'SIGTERM')
    expect((await captureClient(system.settings.captureFolder).drain()).complete).toBe(true)
    expect(capture.events.some((event) => event.type === 'checkpointed')).toBe(true)
    console.log(`log at most ${Math.round(largest.bytes / 1048576)} MiB`)
    expect(largest.bytes).toBeLessThan(256 * 1048576)
    expect(expectPrefix((await restoreNewest(system, 'r.db')).path)).toBe(witnessed(system).at(-1)?.seq)
  })

  it('the schema, the settings and the rows of the database -> those of the bot, and nothing of ours beside them', async () => {
    const described = () => [
      query(system.database, "SELECT group_concat(type || name || coalesce(sql, ''), char(10)) AS schema FROM sqlite_schema"),
      ...['user_version', 'application_id', 'auto_vacuum', 'page_size', 'journal_mode'].map((name) =>
        query(system.database, `PRAGMA ${name}`),
      ),
    ]
    await end(system, await startWriter(system, '--rate', '200', '--limit', '40'), 'SIGTERM')
    const before = described()
    const capture = await startCapture(system)
    await end(system, await startWriter(system, '--rate', '400', '--limit', '200'), 'SIGTERM')
    await captureClient(system.settings.captureFolder).drain()
    await end(system, capture.process, 'SIGTERM')
    expect(described()).toEqual(before)
    expect(expectPrefix((await restoreNewest(system, 'r.db')).path)).toBe(witnessed(system).at(-1)?.seq)
  })

  it('nobody writes -> the capture says so and publishes nothing', async () => {
    const writer = await startWriter(system, '--rate', '200', '--limit', '50')
    await until(() => writer.exitCode !== null, 'the end of the writer')
    const capture = await startCapture(system)
    const before = (await captureClient(system.settings.captureFolder).position()).txid
    await pause(600)
    const position = await captureClient(system.settings.captureFolder).position()
    expect(position).toMatchObject({ txid: before, state: 'capturing', pendingCommits: 0, lagMs: 0, continuous: true, damage: null })
    expect(capture.events.filter((event) => event.type === 'flushed')).toEqual([])
  })
})

describeWith([python, linuxProc], 'what the capture holds', () => {
  it('/proc/locks shows its read mark all the time: through flushes, checkpoints of ours and of others, drains and looks', async () => {
    const writer = await startWriter(system, '--rate', '0', '--checkpoint-every', '0.3')
    const capture = await startCapture(system)
    const client = captureClient(system.settings.captureFolder)
    let missing = 0
    for (let look = 0; look < 150; look++) {
      if (!holdsReadMark(capture.process.pid, system.database)) missing++
      if (look % 20 === 0) await client.drain()
      if (look % 15 === 0) await client.position()
      await pause(10)
    }
    await end(system, writer, 'SIGTERM')
    expect(missing).toBe(0)
  })
})

describeWith([python], 'which database a replica belongs to', () => {
  it('another database at the path -> refused with 4, nothing published', async () => {
    await end(system, await startWriter(system, '--rate', '200', '--limit', '40'), 'SIGTERM')
    await end(system, (await startCapture(system)).process, 'SIGTERM')
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${system.database}${suffix}`, { force: true })
    rmSync(system.witness)
    await end(system, await startWriter(system, '--rate', '200', '--limit', '300', '--seed', '9', '--payload', '900'), 'SIGTERM')
    const before = (await restoreNewest(system, 'before.db')).txid
    const capture = await startCapture(system)
    expect(capture.process.exitCode).toBe(4)
    expect(capture.errors()).toContain('DATABASE_OTHER')
    expect((await restoreNewest(system, 'after.db')).txid).toBe(before)
  })

  it('an older copy of the database is put back -> a new timeline forks where it was, and the lost points stay reachable', async () => {
    const writer = await startWriter(system, '--rate', '200')
    const first = await startCapture(system)
    await end(system, writer, 'SIGTERM')
    await captureClient(system.settings.captureFolder).drain()
    await end(system, first.process, 'SIGKILL')
    const old = await restoreNewest(system, 'old.db')
    const more = await startWriter(system, '--rate', '200', '--limit', '100')
    const second = await startCapture(system)
    await until(() => more.exitCode !== null, 'the end of the writer')
    await captureClient(system.settings.captureFolder).drain()
    await end(system, second.process, 'SIGKILL')
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${system.database}${suffix}`, { force: true })
    copyFileSync(old.path, system.database)
    const third = await startCapture(system)
    expect(third.events.find((event) => event.type === 'attached')).toMatchObject({ do: 'fork', timeline: '00000002', txid: old.txid })
  })

  it('the state folder is lost, and the log went on unseen -> refused; with --take-over a new timeline begins', async () => {
    const writer = await startWriter(system, '--rate', '300', '--autocheckpoint', '50', '--payload', '2000')
    const first = await startCapture(system)
    await until(() => witnessed(system).length > 300, 'some pages')
    await end(system, first.process, 'SIGKILL')
    const seen = witnessed(system).length
    await until(() => witnessed(system).length > seen + 60, 'commits that nobody copies, and a log that begins anew')
    await end(system, writer, 'SIGTERM')
    rmSync(system.settings.captureFolder, { recursive: true })
    const second = await startCapture(system)
    expect([second.process.exitCode, second.errors()]).toEqual([4, expect.stringContaining('--take-over')])
    const third = await startCapture(system, {}, '--take-over')
    expect(third.events.find((event) => event.type === 'attached')).toMatchObject({ do: 'take-over', timeline: '00000002' })
    expect(expectPrefix((await restoreNewest(system, 'r.db')).path)).toBe(witnessed(system).at(-1)?.seq)
  })

  it('two captures of one database -> the second is refused with 4 and the pid of the first', async () => {
    await startWriter(system, '--rate', '50')
    const first = await startCapture(system)
    const second = await startCapture(system)
    expect(second.process.exitCode).toBe(4)
    expect(second.errors()).toContain(`process ${first.process.pid}`)
  })
})
