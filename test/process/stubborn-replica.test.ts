/**
 * The replica takes nothing new on the very day when a database has to be restored: nothing is given up for that, and a later run, when the
 * replica is well again, does not call nothing what the former one gave up.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { nodeClock } from '../../src/adapters/node/clock.ts'
import { composeSystem } from '../../src/compose-system.ts'
import { DrError } from '../../src/errors.ts'
import { type ExecuteOutcome, execute } from '../../src/runbook/execute.ts'
import type { Runbook, RunbookPorts } from '../../src/runbook/runbook.ts'
import { databaseCorruption } from '../../src/runbook/scenarios/database-corruption.ts'
import { recoverInPlace } from '../../src/runbook/scenarios/recover.ts'
import { resumeByHand } from '../../src/runbook/trading.ts'
import { children } from '../hosts/children.ts'
import { unshare } from '../hosts/needs.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { genesis } from '../support/cli.ts'
import { clear, makeSystem, pause, query, startCapture, type TestSystem, until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
let bot: DatabaseSync
const commit = (times: number): void => {
  for (let time = 0; time < times; time++) bot.exec('INSERT INTO t (x) VALUES (randomblob(3000))')
}
const rows = (): unknown => query(system.database, 'SELECT count(*) AS rows FROM t')['rows']
const begin = (): void => {
  bot = new DatabaseSync(system.database, { timeout: 5000 })
  bot.exec('PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (n INTEGER PRIMARY KEY, x)')
}
const client = () => captureClient(system.settings.captureFolder)
afterEach(() => clear(system))

describeWith([linuxProc, unshare], 'the replica takes nothing new', () => {
  const start = children()
  let inside: (...command: string[]) => void

  beforeEach(async () => {
    const plain = makeSystem()
    const disk = join(plain.folder, 'disk')
    mkdirSync(disk)
    const holder = start('unshare', ['--mount', 'sh', '-c', `mount -t tmpfs -o size=20m none ${disk} && echo mounted && exec sleep 300`])
    await holder.line(/mounted/)
    inside = (...command) => execFileSync('nsenter', ['--target', `${holder.pid}`, '--mount', ...command])
    const replica = join(`/proc/${holder.pid}/root`, disk, 'replica')
    system = { ...plain, replica, settings: { ...plain.settings, replica: { url: `file:${replica}`, path: replica } } }
    begin()
    commit(20)
  })

  const filler = (): string => join(system.replica, '../filler')
  const fill = (): void => {
    try {
      writeFileSync(filler(), new Uint8Array(20 << 20))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    }
  }
  const remount = (how: string): void => inside('mount', '-o', `remount,${how}`, join(system.folder, 'disk'))

  it.each([
    ['is full', 'lives', fill, () => rmSync(filler())],
    ['may only be read', 'lives', () => remount('ro'), () => remount('rw')],
    ['is full', 'is gone', fill, () => rmSync(filler())],
  ])('it %s, the capture %s -> the database stays in its place, and nothing is given up', async (_what, capture, spoil, mend) => {
    const captured = await startCapture(system)
    await client().drain()
    spoil()
    commit(150)
    if (capture === 'is gone') {
      // Somebody who has it open when it is closed, so that its log stays.
      const reader = `const d = new (require('node:sqlite').DatabaseSync)('${system.database}'); d.exec('BEGIN; SELECT count(*) FROM t'); console.log('open'); setInterval(() => {}, 1000)`
      const other = start(process.execPath, ['-e', reader])
      await other.line(/open/)
      bot.close()
      await other.end('SIGKILL')
      captured.process.kill('SIGKILL')
      await until(() => captured.process.signalCode !== null, 'its end')
    } else {
      await pause(300)
      bot.close()
    }
    const { ino } = statSync(system.database)
    const words = ['--db', system.database, '--replica', `file:${system.replica}`, '--yes', 'bot.db', '--json']
    const run = async () => {
      const { stdout, status } = await genesis(['execute', '--scenario', 'DATABASE_CORRUPTION', ...words])
      return { status, result: JSON.parse(stdout) }
    }
    const refused = await run()
    expect([refused.status, refused.result.because]).toEqual([
      1,
      expect.stringMatching(/^not recovered: drain-replica: .*(no space|read-only)/),
    ])
    expect([statSync(system.database).ino, rows()]).toEqual([ino, 170])
    mend()
    const { status, result } = await run()
    expect([result.because, status, result.lostTransactions, rows()]).toEqual([expect.stringMatching(/^recovered/), 0, 0, 170])
  })

  it('it may only be read, and the capture is let go for a recovery -> what waited is not added later, when it takes it again', async () => {
    const captured = await startCapture(system)
    commit(1)
    await client().drain()
    remount('ro')
    commit(20)
    await until(() => captured.events.some(({ because }) => because?.includes('read-only')), 'the first try')
    const { txid } = await client().position()
    await client().letGo()
    remount('rw')
    await pause(1500)
    expect(
      readdirSync(join(system.replica, '00000001/ltx/0'))
        .map((name) => Number.parseInt(name, 16))
        .filter((at) => at > txid),
    ).toEqual([])
    bot.close()
  })
})

describe('a run put an older point in place, and could not protect it', () => {
  /** One that fails at its last write. */
  const playing = async (runbook: Runbook, protects: boolean): Promise<ExecuteOutcome> => {
    const { world, access } = await composeSystem(system.settings, 'act')
    const { capture } = world.ports
    const fail = async (): Promise<never> => {
      throw new DrError('STORE_UNAVAILABLE', { what: 'the replica went away', untouched: 'All.', next: 'Wait.' })
    }
    const ports: RunbookPorts = {
      ...world.ports,
      capture: {
        ...capture,
        reach: async () => {
          const captor = await capture.reach()
          const resume = protects ? captor.control.resume.bind(captor.control) : fail
          return captor.pid === null
            ? { pid: null, control: { ...captor.control, resume } }
            : { ...captor, control: { ...captor.control, resume } }
        },
      },
    }
    try {
      const common = { mode: 'live', detectedBecause: 'the test', onEvent: () => {}, signal: new AbortController().signal } as const
      const approve = async () => ({ do: 'run' }) as const
      return await execute({ ...world, ports }, { ...common, runbook, approve, detectedAtMs: nodeClock.wallMs() })
    } finally {
      access.close()
    }
  }
  const resultOf = (outcome: ExecuteOutcome) => (outcome.ended === 'paused' ? null : outcome.result)

  let lost: number
  beforeEach(async () => {
    system = makeSystem()
    begin()
    const capture = await startCapture(system)
    for (let time = 0; time < 5; time++) {
      commit(10)
      await client().drain()
    }
    bot.close()
    const failed = await playing(recoverInPlace({ timeline: null, target: { kind: 'txid', txid: 3 } }), false)
    const result = resultOf(failed)
    expect(result).toMatchObject({ success: false, because: expect.stringContaining('protect-again') })
    lost = 50 - Number(rows())
    expect([result?.lostTransactions, lost > 0]).toEqual([lost, true])
    capture.process.kill('SIGKILL')
    await until(() => capture.process.signalCode !== null, 'its end')
  })

  it.each<[string, () => Promise<void>, RegExp | 0]>([
    ['nobody captured it since', async () => {}, 0],
    [
      'a capture has found it by itself since',
      async () => {
        const { process } = await startCapture(system)
        await client().drain()
        process.kill('SIGKILL')
        await until(() => process.signalCode !== null, 'its end')
      },
      // What it found stands until somebody decides about it.
      /the replica has \d+ commits that the database lacks \(timeline 00000001\)/,
    ],
  ])('%s -> the next run tells what is lost by both, and where it is', async (_, meanwhile, stands) => {
    await meanwhile()
    const result = resultOf(await playing(databaseCorruption, true))
    const chosen = result?.steps.find(({ name }) => name === 'find-last-good')
    expect(result).toMatchObject({ success: true })
    expect([null, lost]).toContain(result?.lostTransactions)
    expect(chosen?.because).toContain(
      `before this one, which failed, gave up ${lost} transactions; the database as it was before that is in /`,
    )
    const third = resultOf(await playing(databaseCorruption, true))
    const because = third?.steps.find(({ name }) => name === 'find-last-good')?.because
    expect([third?.lostTransactions, because]).toEqual(stands === 0 ? [0, expect.anything()] : [lost, expect.stringMatching(stands)])
  })

  it('a person let the bot go on with it -> what is lost later is counted from there', async () => {
    const { world, access } = await composeSystem(system.settings, 'act')
    await resumeByHand(world, 'ada')
    access.close()
    expect(resultOf(await playing(databaseCorruption, true))).toMatchObject({ success: true, lostTransactions: 0 })
  })
})
