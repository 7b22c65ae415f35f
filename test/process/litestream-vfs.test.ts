/** A replica that we wrote, opened by real Litestream code: its SQLite extension, in a process of its own, while the capture goes on. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { formatTxid } from '../../src/ltx/txid.ts'
import { describeWith, litestreamVfs, python } from '../needs.ts'
import { askThroughVfs, pagesAtPoints, replicaUrl } from '../support/oracles.ts'
import { clear, end, makeSystem, startCapture, startWriter, type TestSystem, until, witnessed } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

/** Opens the timeline and compares every row with what was acknowledged by then. */
async function expectReadable(timeline: string, txid: number, pageSize: number, lines = witnessed(system)): Promise<void> {
  const [integrity, rows, position, size] = await askThroughVfs(
    system,
    replicaUrl(system.replica, timeline),
    'PRAGMA integrity_check',
    'SELECT seq, sum FROM ticks ORDER BY seq',
    'PRAGMA litestream_txid',
    'PRAGMA page_size',
  )
  expect(integrity).toEqual([['ok']])
  expect(position).toEqual([[formatTxid(txid)]])
  expect(size).toEqual([[pageSize]])
  expect(rows).toEqual(lines.map(({ seq, sum }) => [seq, sum]))
}

describeWith([litestreamVfs, python], "Litestream's SQLite extension on a replica that we wrote", () => {
  for (const [pageSize, payload] of [
    [512, 1500],
    [4096, 6000],
    [65536, 90_000],
  ] as const) {
    it(`${pageSize}-byte pages, shrunk and grown again -> it finds the database sound, with every row of the witness`, async () => {
      const args = ['--rate', '150', '--page-size', `${pageSize}`, '--payload', `${payload}`]
      const vacuuming = await startWriter(system, ...args, '--vacuum-every', '0.3')
      const capture = await startCapture(system)
      expect(capture.errors()).toBe('')
      await until(async () => {
        const pages = await pagesAtPoints(system)
        return pages.some((count, at) => count < (pages[at - 1] ?? 0))
      }, 'a flush of a database that shrank')
      expect(await end(system, vacuuming, 'SIGTERM')).toBe(0)
      // The extension (0.5.17) takes the largest size that the database ever had for its size, on Litestream's own replicas as well.
      const growing = await startWriter(system, ...args)
      await until(async () => {
        const pages = await pagesAtPoints(system)
        return pages.at(-1) === Math.max(...pages)
      }, 'a database that is as large as it ever was')
      expect(await end(system, growing, 'SIGTERM')).toBe(0)
      const client = captureClient(system.settings.captureFolder)
      const drained = await client.drain()
      expect(drained.complete).toBe(true)
      await expectReadable('00000001', drained.txid, pageSize)
    })
  }

  it('a timeline that forked -> each is readable alone, the parent as it was', async () => {
    const writer = await startWriter(system, '--rate', '150')
    const capture = await startCapture(system)
    await until(() => capture.events.filter((event) => event.type === 'flushed').length >= 3, 'three flushes')
    expect(await end(system, writer, 'SIGTERM')).toBe(0)
    const client = captureClient(system.settings.captureFolder)
    const { timeline, txid } = await client.drain()
    const before = witnessed(system)
    await client.letGo()
    await client.resume({ timeline, txid })
    await expectReadable('00000002', txid, 4096)
    const more = await startWriter(system, '--rate', '150', '--limit', '30')
    await until(() => more.exitCode !== null, 'the end of the writer')
    const drained = await client.drain()
    expect(drained).toMatchObject({ timeline: '00000002', complete: true })
    await expectReadable('00000002', drained.txid, 4096)
    await expectReadable('00000001', txid, 4096, before)
  })
})
