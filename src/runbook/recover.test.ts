/** Recovering to a file, and validating, on the timeline of the database itself; and what a finished recovery in place tells. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contentAt, forkOf, putFile, putHistory, smallPage, timeOf } from '../../test/support/small-replica.ts'
import { atRest, smallSystem } from '../../test/support/small-runbook.ts'
import { databaseFiles } from '../adapters/filesystem/database-files.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import { outputFiles } from '../adapters/filesystem/output-file.ts'
import { DrError } from '../errors.ts'
import type { CaptureControl } from '../ports/capture-control.ts'
import type { HaltLatch, LatchFacts } from '../ports/halt-latch.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { PointTarget } from './choose-point.ts'
import { recoverToFile, reportOfRun } from './recover.ts'
import type { RunFacts } from './run-facts.ts'
import type { RunbookPorts, RunSettings, Scope } from './runbook.ts'
import { releaseLatch } from './steps/release-latch.ts'
import { requireNobody } from './steps/require-nobody.ts'
import { restorePoint } from './steps/restore-point.ts'
import { validate } from './validate.ts'

let folder = ''
let store: ObjectStore
let settings: RunSettings
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'recover-'))
  store = await openFolderStore('file:replica', join(folder, 'replica'))
  settings = { ...smallSystem().world.settings('run-1'), database: join(folder, 'bot.db') }
  writeFileSync(settings.database, 'live')
  const parent = await putHistory(store, '00000001', [1, 2, 3, 4])
  await putHistory(store, '00000002', [3], forkOf(parent, 2))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** `timeline`: that of the capture which answers; null: none runs. */
function portsWith(timeline: string | null): RunbookPorts {
  const { world } = smallSystem()
  const drain = async () => ({ timeline: timeline ?? '00000002', txid: 4, lastCommitMs: 0, complete: true, because: 'drained' })
  return {
    ...world.ports,
    ...atRest,
    clock: world.journal.clock,
    store,
    files: databaseFiles,
    outputs: outputFiles,
    checks: {
      integrity: async () => [],
      queryValue: async () => 0,
      rowCounts: async () => ({ orders: 3 }),
      pageUses: async () => new Map(),
    },
    capture: {
      reach: async () => ({
        pid: timeline === null ? null : 200,
        control: { ...((await atRest.capture.reach()).control as CaptureControl), drain },
      }),
      knownFile: async () => null,
      timelineOf: async () => null,
      older: async () => [],
      otherReplica: async () => null,
    },
  }
}
const scopeWith = (facts: Partial<RunFacts>): Scope => ({
  runId: 'run-1',
  scenario: 'RECOVER',
  mode: 'live',
  settings,
  facts,
  interrupted: false,
  runs: ['run-1'],
  progress: () => {},
})
const toFile = (ports: RunbookPorts, target: PointTarget) =>
  recoverToFile(ports, {
    output: join(folder, 'out.db'),
    temporary: join(folder, 'out.db.temporary'),
    timeline: null,
    target,
    settings,
    progress: () => {},
  })

describe('somebody began a newer timeline in the replica than the one that the capture of the database writes', () => {
  it.each(['latest', 'last-good'] as const)('%s, to a file -> of the timeline of the database', async (kind) => {
    expect(await toFile(portsWith('00000001'), { kind })).toMatchObject({ timeline: '00000001', txid: '0000000000000004' })
    expect(new Uint8Array(readFileSync(join(folder, 'out.db')))).toEqual(contentAt(4))
  })

  it('no capture runs, or a txid is named -> of the newest timeline', async () => {
    expect(await toFile(portsWith(null), { kind: 'latest' })).toMatchObject({ timeline: '00000002' })
    rmSync(join(folder, 'out.db'))
    expect(await toFile(portsWith('00000001'), { kind: 'txid', txid: 2 })).toMatchObject({ timeline: '00000002' })
  })

  it('a time is named, and more is to be known of it -> each thing is said once', async () => {
    await putFile(store, { timeline: '00000002', level: 0, minTxid: 4, maxTxid: 4, commits: 1048575, timestampMs: timeOf(60) })
    const { notes } = await toFile(portsWith(null), { kind: 'time', epochMs: timeOf(30) })
    expect(notes).toEqual([expect.stringContaining('on timeline 00000001'), expect.stringContaining('has no restore point')])
  })

  it('the newest, in place -> of the timeline that was drained', async () => {
    const drained = { timeline: '00000001', txid: 4, lastCommitMs: 0, complete: true, because: 'drained' }
    const { evidence } = await restorePoint(null, { kind: 'latest' }).act(portsWith('00000001'), scopeWith({ drained }))
    expect(evidence.chosen).toMatchObject({ timeline: '00000001', txid: 4, lostTransactions: 0 })
  })

  it('validate -> of the timeline that was drained', async () => {
    const written: unknown[] = []
    const log = { read: async () => null, write: async (value: unknown) => void written.push(value) }
    const report = await validate(portsWith('00000001'), log, settings, join(folder, 'scratch'))
    expect(report).toMatchObject({ success: true, timeline: '00000001', txid: '0000000000000004' })
    // Here nothing can say what the pages must be, which is no pass.
    expect(report.notProven).toEqual(['the pages of the database file: nothing was captured', 'exchange'])
    expect(written).toMatchObject([{ timeline: '00000001', txid: 4 }])
  })
})

it('the restored file cannot be given its name -> it is removed again', async () => {
  const place = () => Promise.reject(new DrError('OWNERSHIP_LOST', { what: 'not allowed', untouched: 'All.', next: 'Be root.' }))
  const ports = { ...portsWith(null), files: { ...databaseFiles, place } }
  await expect(toFile(ports, { kind: 'latest' })).rejects.toMatchObject({ code: 'OWNERSHIP_LOST' })
  expect(readdirSync(folder).sort()).toEqual(['bot.db', 'replica'])
})

describe('what a recovery in place tells', () => {
  const chosen: RunFacts['chosen'] = {
    timeline: '00000001',
    txid: 4,
    timestampMs: 0,
    lostTransactions: 0,
    dataLossMs: 0,
    lossBecause: 'none',
    notes: [],
    looked: [],
    temporary: '',
    sum: '',
    sizeBytes: smallPage,
    pages: 1,
    filesRead: 1,
    bytesRead: 1,
    verified: [],
  }
  const restored = { path: '/data/bot.db', inode: 1, sizeBytes: smallPage, sum: '' }

  it('a database was set aside -> where it is; there was none -> no such place', () => {
    const evidence = { folder: '/data/evidence', files: ['bot.db'], owner: null }
    expect(reportOfRun({ chosen, restored, evidence }, 1)).toMatchObject({ evidence: '/data/evidence' })
    expect(reportOfRun({ chosen, restored, evidence: { ...evidence, files: [] } }, 1)).not.toHaveProperty('evidence')
  })
})

describe('the halt latch of a recovery in place', () => {
  function latchOf(first: LatchFacts | null) {
    const held: { by: LatchFacts | null } = { by: first }
    const latch: HaltLatch = {
      read: async () => held.by,
      set: async (facts) => (held.by ??= facts),
      release: async (holder) => {
        if (held.by?.holder !== holder) return 'other'
        held.by = null
        return 'released'
      },
    }
    return { held, latch }
  }

  it('none stands -> its own stands until its end; a person has one -> that stays', async () => {
    for (const first of [null, { holder: 'person:ada', reason: 'stop-trading', setAtMs: 1 }]) {
      const { held, latch } = latchOf(first)
      const ports = { ...portsWith(null), latch }
      const { evidence } = await requireNobody.act(ports, scopeWith({}))
      expect(held.by?.holder).toBe(first?.holder ?? 'run-1')
      expect(await releaseLatch.act(ports, scopeWith(evidence))).toMatchObject({ outcome: 'done' })
      expect(held.by).toEqual(first)
    }
  })

  it('a bot has the database open -> refused, and nobody is halted', async () => {
    const { held, latch } = latchOf(null)
    const bot = { pid: 100, command: 'python3 bot.py' }
    const openFiles = { logsBeside: async () => [], holders: async () => ({ processes: [bot], complete: true, because: '' }) }
    await expect(requireNobody.act({ ...portsWith(null), latch, openFiles }, scopeWith({}))).rejects.toMatchObject({
      code: 'DATABASE_IN_USE',
    })
    expect(held.by).toBeNull()
  })
})
