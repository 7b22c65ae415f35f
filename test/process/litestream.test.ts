/** Real Litestream and we read each other: its restore of replicas that we wrote, our recovery of a replica that its daemon wrote. */
import type { ChildProcess } from 'node:child_process'
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { outputFiles } from '../../src/adapters/filesystem/output-file.ts'
import { seededRandom } from '../../src/drill/seeded-random.ts'
import { formatTxid } from '../../src/ltx/txid.ts'
import { type CatalogueTimeline, chooseTimeline, readCatalogue } from '../../src/replica/catalogue.ts'
import { planRestore, restorePoints } from '../../src/replica/plan.ts'
import { restoreFile } from '../../src/restore/restore-file.ts'
import { describeWith, litestream, python } from '../needs.ts'
import {
  blockSizes,
  endDaemon,
  listing,
  pagesAtPoints,
  recoverByUs,
  replicaUrl,
  restoreByLitestream,
  runLitestream,
  sha256Of,
  startDaemon,
} from '../support/oracles.ts'
import { type Capture, clear, end, makeSystem, startCapture, startWriter, type TestSystem, until, witnessed } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

const seed = Number(process.env['GENESIS_DR_SEED'] ?? 3)
console.log(`seed ${seed}: repeat with GENESIS_DR_SEED=${seed}`)

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

async function timelineOf(number: string | null): Promise<CatalogueTimeline> {
  return chooseTimeline(await readCatalogue(await openFolderStore('file:replica', system.replica)), number)
}

/** Our own restore of a point, null for the newest. */
async function restoreOurs(number: string | null, txid: number | null, name: string): Promise<string> {
  const store = await openFolderStore('file:replica', system.replica)
  const { files } = await timelineOf(number)
  const path = join(system.folder, name)
  await restoreFile(store, planRestore(files, txid === null ? 'latest' : { txid }), outputFiles, path)
  return path
}

/** Both restores of one point give the same bytes; returns the path of Litestream's. */
async function expectSameRestore(number: string, txid: number | null, name: string): Promise<string> {
  const point = txid === null ? null : { txid }
  const theirs = await restoreByLitestream(system, replicaUrl(system.replica, number), `${name}-litestream.db`, point)
  expect([theirs.status, theirs.status === 0 ? '' : theirs.errors]).toEqual([0, ''])
  expect(sha256Of(theirs.path), `timeline ${number}, ${name}`).toBe(sha256Of(await restoreOurs(number, txid, `${name}-ours.db`)))
  return theirs.path
}

/** The database at `path` is sound and has, row by row, what was acknowledged. */
function expectWitnessed(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    expect(database.prepare('PRAGMA integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
    const rows = database.prepare('SELECT seq, sum FROM ticks ORDER BY seq').all()
    expect(rows.map((row) => ({ ...row }))).toEqual(witnessed(system).map(({ seq, sum }) => ({ seq, sum })))
  } finally {
    database.close()
  }
}

async function drainAndStop(writer: ChildProcess, capture: Capture): Promise<void> {
  expect(await end(system, writer, 'SIGTERM')).toBe(0)
  expect((await captureClient(system.settings.captureFolder).drain()).complete).toBe(true)
  expect(await end(system, capture.process, 'SIGTERM')).toBe(0)
}

/** Txid at which the database first had fewer pages than before, 0 for never. */
function firstShrink(pages: readonly number[]): number {
  return pages.findIndex((count, at) => at > 0 && count < (pages[at - 1] ?? 0)) + 1
}

describeWith([litestream, python], 'the real litestream on a replica that we wrote', () => {
  for (const [pageSize, payload, rate] of [
    [512, 1500, 300],
    [4096, 9000, 300],
    [65536, 200_000, 60],
  ] as const) {
    it(`${pageSize}-byte pages that grow, shrink and do not compress -> at every point asked for it restores the bytes that we restore`, async () => {
      const random = seededRandom(seed + pageSize)
      const shaped = ['--page-size', `${pageSize}`, '--payload', `${payload}`, '--rate', `${rate}`, '--vacuum-every', '0.4']
      const writer = await startWriter(system, ...shaped, '--seed', `${seed}`)
      const capture = await startCapture(system)
      expect(capture.errors()).toBe('')
      await until(async () => {
        const pages = await pagesAtPoints(system)
        const shrink = firstShrink(pages)
        return pages.length >= 10 && shrink > 0 && (pages.at(-1) ?? 0) > (pages[shrink - 1] ?? 0)
      }, 'ten points of a database that shrank and grew again')
      await drainAndStop(writer, capture)

      expectWitnessed(await expectSameRestore('00000001', null, 'newest'))
      const { files, latestTxid } = await timelineOf('00000001')
      const blocks = files.flatMap(({ key }) => blockSizes(readFileSync(join(system.replica, key))))
      expect(Math.max(...blocks), 'a page that is larger compressed').toBeGreaterThan(pageSize)
      const shrunk = firstShrink(await pagesAtPoints(system))
      const chosen = new Set([1, shrunk - 1, shrunk, ...[0, 1].map(() => 1 + random.below(latestTxid))])
      for (const txid of chosen) await expectSameRestore('00000001', txid, `at-${txid}`)
      const lists = await runLitestream(system, 'ltx', '-level', 'all', '-json', replicaUrl(system.replica, '00000001'))
      expect([lists.status, lists.errors]).toEqual([0, ''])
      expect(JSON.parse(lists.out)).toHaveLength(files.length)
      console.log(`${pageSize}: ${files.length} files, equal at ${[...chosen].join(', ')} and the newest`)
    })
  }

  it('a log that went on unseen, then a fork -> each timeline alone is a complete replica, with what it had at the fork', async () => {
    const client = captureClient(system.settings.captureFolder)
    const first = await captureFlushes(3)
    await client.drain()
    await end(system, first.process, 'SIGKILL')
    await ended(await startWriter(system, '--rate', '0', '--limit', '200', '--reconnect-every', '0.01', '--autocheckpoint', '10'))
    const second = await captureFlushes(4)
    expect(second.events.find((event) => event.type === 'attached')?.do).toBe('diff')
    await client.drain()
    const whole = witnessed(system).length
    const before = await expectSameRestore('00000001', null, 'before')
    expectWitnessed(before)
    const points = restorePoints((await timelineOf('00000001')).files)
    const fork = points[points.length - 3]?.maxTxid ?? 0
    const old = await expectSameRestore('00000001', fork, 'fork')

    await client.letGo()
    for (const suffix of ['', '-wal', '-shm']) rmSync(`${system.database}${suffix}`, { force: true })
    copyFileSync(await restoreOurs('00000001', fork, 'put-back.db'), system.database)
    forgetWitnessedBeyond(system.database)
    expect(witnessed(system).length).toBeLessThan(whole)
    expect(await client.resume({ timeline: '00000001', txid: fork })).toMatchObject({ timeline: '00000002', txid: fork })
    await ended(await startWriter(system, '--rate', '300', '--limit', '90', '--payload', '5000'))
    await client.drain()

    expectWitnessed(await expectSameRestore('00000002', null, 'after'))
    expect(sha256Of(await expectSameRestore('00000002', fork, 'fork-again'))).toBe(sha256Of(old))
    expect(sha256Of(await expectSameRestore('00000001', null, 'parent'))).toBe(sha256Of(before))
    expect(readdirSync(system.replica).sort()).toEqual(['00000001', '00000002'])
  })

  it('a moment between two points -> it restores the earlier one, as we do', async () => {
    const capture = await captureFlushes(4)
    await captureClient(system.settings.captureFolder).drain()
    await end(system, capture.process, 'SIGTERM')
    const points = restorePoints((await timelineOf('00000001')).files)
    const point = points[points.length - 3]
    const time = new Date((point?.timestampMs ?? 0) + 1).toISOString()
    const theirs = await restoreByLitestream(system, replicaUrl(system.replica, '00000001'), 'theirs.db', { time })
    expect([theirs.status, theirs.status === 0 ? '' : theirs.errors]).toEqual([0, ''])
    expect(sha256Of(theirs.path)).toBe(sha256Of(await restoreOurs('00000001', point?.maxTxid ?? 0, 'ours.db')))
  })
})

/** A capture beside a writer, which is ended after so many flushes. */
async function captureFlushes(flushes: number): Promise<Capture> {
  const writer = await startWriter(system, '--rate', '300')
  const capture = await startCapture(system)
  expect(capture.errors()).toBe('')
  await until(() => capture.events.filter((event) => event.type === 'flushed').length >= flushes, `flush ${flushes}`)
  expect(await end(system, writer, 'SIGTERM')).toBe(0)
  return capture
}

async function ended(writer: ChildProcess): Promise<void> {
  await until(() => writer.exitCode !== null, 'the end of the writer')
  expect(writer.exitCode).toBe(0)
}

/** After an older database was put back, what it lacks was never acknowledged to anybody who asks it. */
function forgetWitnessedBeyond(path: string): void {
  const database = new DatabaseSync(path, { readOnly: true })
  const last = Number(database.prepare('SELECT max(seq) AS last FROM ticks').get()?.['last'])
  database.close()
  for (const suffix of ['-wal', '-shm']) rmSync(`${path}${suffix}`, { force: true })
  const kept = witnessed(system).filter(({ seq }) => seq <= last)
  writeFileSync(system.witness, kept.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

describeWith([litestream, python], 'a replica that the real daemon wrote', () => {
  it('under a writer that vacuums -> recover gives the bytes of litestream restore, and nothing of ours is written into it', async () => {
    const writer = await startWriter(system, '--rate', '200', '--page-size', '1024', '--payload', '900', '--vacuum-every', '0.5')
    const daemon = await startDaemon(system)
    // Levels 1 and 2 and a snapshot that is not the first: then every kind of file is there.
    const level = (number: number): readonly string[] => {
      const folder = join(system.replica, 'ltx', `${number}`)
      return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.ltx')) : []
    }
    await until(() => level(2).length > 0 && level(1).length > 1 && level(9).length > 1, 'two compactions and two snapshots')
    expect(await end(system, writer, 'SIGTERM')).toBe(0)
    expect(await endDaemon(system, daemon)).toBe(0)
    const before = listing(system.replica)

    const theirs = await restoreByLitestream(system, replicaUrl(system.replica), 'theirs.db', null)
    expect([theirs.status, theirs.status === 0 ? '' : theirs.errors]).toEqual([0, ''])
    const ours = await recoverByUs(system, 'ours.db', { kind: 'latest' })
    expect(sha256Of(ours)).toBe(sha256Of(theirs.path))
    expectWitnessed(ours)

    const random = seededRandom(seed)
    const points = restorePoints((await timelineOf(null)).files)
    const chosen = new Set([0, random.below(points.length), random.below(points.length)].map((at) => points[at]?.maxTxid ?? 0))
    for (const txid of chosen) {
      const earlier = await restoreByLitestream(system, replicaUrl(system.replica), `theirs-${txid}.db`, { txid })
      expect([earlier.status, earlier.status === 0 ? '' : earlier.errors]).toEqual([0, ''])
      expect(sha256Of(await recoverByUs(system, `ours-${txid}.db`, { kind: 'txid', txid })), formatTxid(txid)).toBe(sha256Of(earlier.path))
    }

    const capture = await startCapture(system)
    expect([capture.process.exitCode, capture.errors()]).toEqual([4, expect.stringContaining('REPLICA_FOREIGN')])
    expect(listing(system.replica)).toEqual(before)
    console.log(`${before.length} files of the daemon, equal at the newest of ${points.length} points and at ${[...chosen].join(', ')}`)
  })
})
