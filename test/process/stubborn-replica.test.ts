/**
 * The replica takes nothing new on the very day when a database has to be restored: nothing is given up for that, and a later run, when the
 * replica is well again, does not call nothing what the former one gave up.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs'
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
import { clear, end, makeSystem, pause, query, startCapture, type TestSystem, until } from '../support/system.ts'

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
      await end(system, captured.process, 'SIGKILL')
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
  let facts: Stats
  beforeEach(async () => {
    system = makeSystem()
    begin()
    const capture = await startCapture(system)
    for (let time = 0; time < 5; time++) {
      commit(10)
      await client().drain()
    }
    bot.close()
    chmodSync(system.database, 0o640)
    facts = statSync(system.database)
    const failed = await playing(recoverInPlace({ timeline: null, target: { kind: 'txid', txid: 3 } }), false)
    const result = resultOf(failed)
    expect(result).toMatchObject({ success: false, because: expect.stringContaining('protect-again') })
    lost = 50 - Number(rows())
    expect([result?.lostTransactions, lost > 0]).toEqual([lost, true])
    await end(system, capture.process, 'SIGKILL')
  })

  const captured = async (): Promise<void> => {
    const { process } = await startCapture(system)
    await client().drain()
    await end(system, process, 'SIGKILL')
  }
  const moved = (): void => {
    const other = join(system.folder, 'moved')
    copyFileSync(system.database, other)
    rmSync(system.database)
    renameSync(other, system.database)
  }
  const failing: Runbook = {
    ...databaseCorruption,
    steps: databaseCorruption.steps.map((step) =>
      step.name === 'find-last-good'
        ? { ...step, act: () => Promise.reject(new DrError('NO_GOOD_POINT', { what: 'none passes', untouched: '', next: '' })) }
        : step,
    ),
  }

  it.each<[string, () => Promise<unknown>]>([
    ['nobody captured it since', async () => {}],
    ['a capture has found it by itself since', captured],
    [
      'it was copied to another place and back',
      async () => {
        moved()
        await captured()
      },
    ],
    ['another run failed with it set aside', () => playing(failing, true)],
    [
      'a run by another configuration failed too',
      async () => {
        const own = system
        system = { ...own, settings: { ...own.settings, stateFolder: join(own.folder, 'other-state') } }
        await playing(recoverInPlace({ timeline: null, target: { kind: 'txid', txid: 2 } }), false)
        system = own
      },
    ],
  ])('%s -> the next run tells what is lost by all of them, and where it is', async (_, meanwhile) => {
    await meanwhile()
    const { uid, gid, mode } = facts
    const result = resultOf(await playing(databaseCorruption, true))
    const because = result?.steps.find(({ name }) => name === 'find-last-good')?.because
    expect(result).toMatchObject({ success: true })
    if (result?.lostTransactions !== null) expect(result?.lostTransactions).toBeGreaterThanOrEqual(lost)
    expect(because).toMatch(
      /which was not finished, gave up (\d+ transactions|not known how many transactions); what stood there before is in \//,
    )
    // Whoever can write to it can do so again.
    const now = statSync(system.database)
    expect([now.uid, now.gid, now.mode]).toEqual([uid, gid, mode])
    // A run that is done ends it, and what the person wanted is no database that went back.
    const third = resultOf(await playing(databaseCorruption, true))
    expect(third).toMatchObject({ success: true, lostTransactions: 0 })
  })

  it('a capture found it by itself -> it is not called older than its replica, because a person wanted it so', async () => {
    const { process, events } = await startCapture(system)
    expect(events.find(({ type }) => type === 'attached')).toMatchObject({ do: 'fork' })
    expect(events.some(({ type }) => type === 'older')).toBe(false)
    await end(system, process, 'SIGKILL')
  })

  it('a person let the bot go on with it -> what is lost later is counted from there', async () => {
    const { world, access } = await composeSystem(system.settings, 'act')
    await resumeByHand(world, 'ada')
    access.close()
    expect(resultOf(await playing(databaseCorruption, true))).toMatchObject({ success: true, lostTransactions: 0 })
  })
})

describe('somebody puts a file of his own in the place of the restored one', () => {
  it.each([
    ['in another file', 'is gone', /another file stands at/],
    ['by writing it over', 'is gone', /is not restore point/],
    ['by writing it over', 'lives', /is not restore point/],
  ])('%s, the capture %s, and the run is gone on with -> it is not taken for the restored one', async (how, capturing, said) => {
    system = makeSystem()
    begin()
    const capture = await startCapture(system)
    commit(10)
    await client().drain()
    bot.close()
    if (capturing === 'is gone') {
      await end(system, capture.process, 'SIGKILL')
    }
    const { world, access } = await composeSystem(system.settings, 'act')
    try {
      const swap = (): void => {
        const own = join(system.folder, 'own.db')
        copyFileSync(system.database, own)
        const changed = new DatabaseSync(own)
        changed.exec('DELETE FROM t WHERE n > 5; PRAGMA wal_checkpoint(TRUNCATE)')
        changed.close()
        if (how === 'in another file') renameSync(own, system.database)
        else copyFileSync(own, system.database)
      }
      const runbook = recoverInPlace({ timeline: null, target: { kind: 'latest' } })
      const outcome = await execute(world, {
        runbook,
        mode: 'live',
        detectedAtMs: nodeClock.wallMs(),
        detectedBecause: 'the test',
        approve: async (step) => {
          if (step.name === 'protect-again') swap()
          return { do: 'run' }
        },
        onEvent: () => {},
        signal: new AbortController().signal,
      })
      expect(outcome).toMatchObject({ ended: 'failed', result: { because: expect.stringMatching(said) } })
    } finally {
      access.close()
    }
  })
})
