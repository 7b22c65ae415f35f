/** What choosing a restore point gives up, counted from what the replica's own files say, or not at all; and the way to the last good one. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contentAt, forkOf, putFile, putHistory, smallPage, timeOf } from '../../test/support/small-replica.ts'
import { databaseFiles } from '../adapters/filesystem/database-files.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { outputFiles } from '../adapters/filesystem/output-file.ts'
import { must } from '../assert.ts'
import { DrError } from '../errors.ts'
import type { DatabaseChecks } from '../ports/database-checks.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { chooseTimeline, newestComplete, reachablePoints, readCatalogue } from '../replica/catalogue.ts'
import { type CandidatePorts, restoreCandidate, restoreChosen, restoredFacts, temporaryName } from './candidate.ts'
import { countLoss } from './count-loss.ts'
import type { RunFacts } from './run-facts.ts'
import type { RunSettings } from './runbook.ts'

let folder = ''
let store: ObjectStore
let settings: RunSettings
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candidate-'))
  store = await openFolderStore('file:replica', join(folder, 'replica'))
  settings = {
    system: 'genesis',
    database: join(folder, 'bot.db'),
    evidenceFolder: join(folder, 'evidence'),
    stopTimeoutMs: 0,
    integrity: 'quick',
    checks: [],
    logPatterns: [],
    contacts: [],
    links: {},
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const pathOf = (key: string): string => join(folder, 'replica', key)
const drainedAt = (txid: number, over: Partial<RunFacts['drained']> = {}): RunFacts['drained'] => ({
  timeline: '00000001',
  txid,
  lastCommitMs: timeOf(txid),
  complete: true,
  because: 'drained',
  ...over,
})

/** The loss of going back to `good` on a timeline. */
async function lossAt(good: number, drained: RunFacts['drained'] | undefined, number = '00000001') {
  const timeline = chooseTimeline(await readCatalogue(store), number)
  const point = must(
    reachablePoints(timeline).find((one) => one.maxTxid === good),
    'it is a point',
  )
  return countLoss(store, timeline, point, drained === undefined ? {} : { drained })
}
const unknown = (why: string) => ({ lostTransactions: null, dataLossMs: null, lossBecause: `what was lost is not known: ${why}` })

describe('what is given up by going back', () => {
  it('to the newest point, everything drained -> nothing', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    expect(await lossAt(3, drainedAt(3))).toEqual({ lostTransactions: 0, dataLossMs: 0, lossBecause: 'no committed transaction is lost' })
  })

  it('to an older point -> the commits that each later file says it holds, and the time between the two', async () => {
    await putHistory(store, '00000001', [1, 2])
    await putFile(store, { timeline: '00000001', level: 0, minTxid: 3, maxTxid: 3, commits: 17 })
    await putFile(store, { timeline: '00000001', level: 0, minTxid: 4, maxTxid: 4, commits: 3, timestampMs: timeOf(2) + 61_000 })
    expect(await lossAt(2, drainedAt(4))).toEqual({
      lostTransactions: 20,
      dataLossMs: 61_000,
      lossBecause: '20 transactions after it are given up',
    })
    expect(await lossAt(3, drainedAt(4))).toMatchObject({ lostTransactions: 3 })
  })

  it('on a fork -> what the fork has beyond it, not what the parent went on with', async () => {
    const parent = await putHistory(store, '00000001', [1, 2, 3, 4, 5])
    await putHistory(store, '00000002', [3, 4], forkOf(parent, 2))
    expect(await lossAt(2, drainedAt(4, { timeline: '00000002' }), '00000002')).toMatchObject({ lostTransactions: 2, dataLossMs: 2000 })
  })

  it('the clock went back between the two points -> the commits are counted, and the time is not known', async () => {
    await putHistory(store, '00000001', [1, 2])
    await putFile(store, { timeline: '00000001', level: 0, minTxid: 3, maxTxid: 3, timestampMs: 5 })
    expect(await lossAt(2, drainedAt(3))).toEqual({
      lostTransactions: 1,
      dataLossMs: null,
      lossBecause: '1 transactions after it are given up; of how long is not known, because the clock was set back',
    })
  })

  it('the replica was copied, and the store has other times -> those inside of the files count', async () => {
    await putHistory(store, '00000001', [1, 2])
    await putFile(store, { timeline: '00000001', level: 0, minTxid: 3, maxTxid: 3, timestampMs: timeOf(2) + 61_000, storeMs: 5 })
    expect(await lossAt(2, drainedAt(3))).toMatchObject({ lostTransactions: 1, dataLossMs: 61_000 })
  })

  it('nobody drained the replica -> not known', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    expect(await lossAt(3, undefined)).toEqual(unknown('the replica was not drained'))
  })

  it('more may have been committed than was drained -> not known, with why', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    expect(await lossAt(3, drainedAt(3, { complete: false, because: 'the log is gone' }))).toEqual(unknown('the log is gone'))
  })

  it('the database was on another timeline -> not known', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    expect(await lossAt(3, drainedAt(3, { timeline: '00000002' }))).toEqual(unknown('the database was on timeline 00000002'))
  })

  it('a file is missing after the point -> not known: what was written beyond the gap cannot be counted', async () => {
    await putHistory(store, '00000001', [1, 2, 4, 5])
    expect(await lossAt(2, drainedAt(5))).toEqual(
      unknown('the replica has a gap after 0000000000000002; it was written up to 0000000000000005'),
    )
  })

  it('a later file does not say what it holds: one of Litestream, or a whole snapshot -> not known, with its name', async () => {
    await putHistory(store, '00000001', [1, 2])
    const key = await putFile(store, { timeline: '00000001', level: 0, minTxid: 3, maxTxid: 3, commits: null })
    expect(await lossAt(2, drainedAt(3))).toEqual(unknown(`${key} does not say how many commits it holds`))
    const snapshot = await putFile(store, { timeline: '00000001', level: 9, minTxid: 1, maxTxid: 4 })
    expect(await lossAt(3, drainedAt(4))).toEqual(unknown(`${snapshot} does not say how many commits it holds`))
  })
})

describe('a candidate', () => {
  /** Damage begins with this txid. SQLite itself is not asked: the pages of a small replica are no database. */
  const checksFailingFrom = (txid: number): DatabaseChecks => ({
    integrity: async (path) => ((readFileSync(path)[0] ?? 0) >= txid ? ['*** in database main ***'] : []),
    queryValue: async () => 0,
    rowCounts: async () => ({ orders: 3 }),
    pageUses: async () => new Map(),
  })
  const portsWith = (checks: DatabaseChecks) => ({ store, files: databaseFiles, outputs: outputFiles, checks })
  const work = () => ({ settings, progress: () => {} })
  const temporary = (): string => temporaryName({ runId: 'run-1', settings })
  const timeline = async () => newestComplete(await readCatalogue(store))
  const lastGood = (ports: CandidatePorts, number: string | null = null) =>
    restoreChosen(ports, work(), number, { kind: 'last-good' }, temporary())

  it('every point is good -> the newest stands under the temporary name of the run, and only it was looked at', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    const found = await lastGood(portsWith(checksFailingFrom(99)))
    expect(found).toMatchObject({ point: { maxTxid: 3 }, restored: { txid: 3, sizeBytes: smallPage }, looked: [{ txid: 3, good: true }] })
    expect(readdirSync(folder)).toEqual(['bot.db.genesis-dr-run-1', 'replica'])
    expect(new Uint8Array(readFileSync(temporary()))).toEqual(contentAt(3))
  })

  it.each([2, 3, 4, 5, 6, 7, 8])('damage came with point %i of 8 -> the one before it stands, restored', async (bad) => {
    await putHistory(store, '00000001', [1, 2, 3, 4, 5, 6, 7, 8])
    const found = await lastGood(portsWith(checksFailingFrom(bad)))
    expect([found.point.maxTxid, found.restored.txid]).toEqual([bad - 1, bad - 1])
    expect(new Uint8Array(readFileSync(temporary()))).toEqual(contentAt(bad - 1))
  })

  it.each([
    ['the newest', { kind: 'latest' } as const, 4],
    ['the last good one', { kind: 'last-good' } as const, 3],
    ['one by its txid', { kind: 'txid', txid: 2 } as const, 2],
    ['one by its time', { kind: 'time', epochMs: timeOf(3) + 1 } as const, 3],
  ])('%s of a timeline that was given up -> that one, of that timeline', async (_, target, txid) => {
    const parent = await putHistory(store, '00000001', [1, 2, 3, 4])
    await putHistory(store, '00000002', [3], forkOf(parent, 2))
    const ports = portsWith(checksFailingFrom(target.kind === 'last-good' ? 4 : 99))
    const found = await restoreChosen(ports, work(), '00000001', target, temporary())
    expect(found).toMatchObject({ timeline: { number: '00000001' }, point: { maxTxid: txid }, restored: { txid } })
    expect(new Uint8Array(readFileSync(temporary()))).toEqual(contentAt(txid))
  })

  it('a timeline that is not there -> POINT_NOT_FOUND, for the last good point too, and nothing was made', async () => {
    await putHistory(store, '00000001', [1])
    await expect(lastGood(portsWith(checksFailingFrom(99)), 'deadbeef')).rejects.toMatchObject({ code: 'POINT_NOT_FOUND' })
    expect(existsSync(temporary())).toBe(false)
  })

  it('the point that was asked for does not pass -> VERIFICATION_FAILED with why, and nothing stands there', async () => {
    await putHistory(store, '00000001', [1, 2])
    const asked = restoreChosen(portsWith(checksFailingFrom(2)), work(), null, { kind: 'txid', txid: 2 }, temporary())
    await expect(asked).rejects.toMatchObject({
      code: 'VERIFICATION_FAILED',
      message: expect.stringContaining('0000000000000002 does not pass: database integrity (quick_check)'),
    })
    expect(existsSync(temporary())).toBe(false)
  })

  it('no point is good -> NO_GOOD_POINT with what the newest fails, and nothing stands there', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    await expect(lastGood(portsWith(checksFailingFrom(0)))).rejects.toMatchObject({
      code: 'NO_GOOD_POINT',
      message: expect.stringMatching(
        /^none of 3 restore points looked at \(of 3\) passes the checks; the newest: database integrity \(quick_check\): .* instead of ok$/,
      ),
    })
    expect(existsSync(temporary())).toBe(false)
  })

  it('a file of the replica is damaged -> the points that need it are bad, with its name, and an earlier one is taken', async () => {
    await putHistory(store, '00000001', [1, 2, 3])
    const key = '00000001/ltx/0/0000000000000003-0000000000000003.ltx'
    writeFileSync(pathOf(key), readFileSync(pathOf(key)).subarray(0, 120))
    const found = await lastGood(portsWith(checksFailingFrom(99)))
    expect(found.point.maxTxid).toBe(2)
    expect(found.looked[0]).toMatchObject({ txid: 3, good: false })
    expect(found.looked[0]?.because).toContain(key)
  })

  it('the disk is full, or the store away -> that is no answer about the point, and is thrown', async () => {
    await putHistory(store, '00000001', [1, 2])
    const full: DatabaseChecks = {
      ...checksFailingFrom(99),
      integrity: () => Promise.reject(new DrError('DISK_FULL', { what: 'no space is left there', untouched: 'All.', next: 'Free space.' })),
    }
    await expect(restoreCandidate(portsWith(full), work(), await timeline(), 2, temporary())).rejects.toMatchObject({ code: 'DISK_FULL' })
  })

  it('SQLite here lacks what the database needs -> it is good by its checksums, and nothing that was not checked is called verified', async () => {
    await putHistory(store, '00000001', [1, 2])
    const lacks = () => Promise.reject(new DrError('SQLITE_LACKS', { what: 'no such collation: mine', untouched: 'All.', next: 'Look.' }))
    const { point, restored, results, looked } = await lastGood(portsWith({ ...checksFailingFrom(99), integrity: lacks }))
    expect([point.maxTxid, looked[0]?.because]).toEqual([
      2,
      expect.stringContaining('and not: database integrity (quick_check): no such collation: mine'),
    ])
    expect(restoredFacts(restored, results).verified).toEqual([...restored.verified, 'test queries (every table read)'])
  })

  it('the temporary file of a life before is there -> made anew', async () => {
    await putHistory(store, '00000001', [1, 2])
    writeFileSync(temporary(), 'half of another point, and longer than a page'.repeat(50))
    writeFileSync(`${temporary()}-wal`, 'of it')
    const { verdict } = await restoreCandidate(portsWith(checksFailingFrom(99)), work(), await timeline(), 2, temporary())
    expect(verdict).toEqual({ good: true, because: 'passes all checks' })
    expect(new Uint8Array(readFileSync(temporary()))).toEqual(contentAt(2))
    expect(existsSync(`${temporary()}-wal`)).toBe(false)
  })
})
