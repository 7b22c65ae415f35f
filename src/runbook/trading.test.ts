/** Stopping and starting the bot by hand: proven, latched, and refused while it would do harm. */
import { describe, expect, it } from 'vitest'
import { settings, tradingHost } from '../../test/support/trading-host.ts'
import { DrError } from '../errors.ts'
import type { LatchFacts } from '../ports/halt-latch.ts'
import type { Holder } from '../ports/open-files.ts'
import { Journal } from '../workflow/journal.ts'
import type { JsonObject, RecordBody } from '../workflow/record.ts'
import type { ExecuteWorld } from './execute.ts'
import type { Scope } from './runbook.ts'
import { resumeTrading } from './steps/resume-trading.ts'
import { stopTrading } from './steps/stop-trading.ts'
import { foreseeStopByHand, resumeByHand, stopByHand } from './trading.ts'

const other: Holder = { pid: 300, command: 'sqlite3 bot.db' }
const ofRun: LatchFacts = { holder: 'run-1', reason: 'DATABASE_CORRUPTION', setAtMs: 1 }

describe('stopping by hand', () => {
  it('the bot runs -> latched in the name of the person first, then stopped, and proven', async () => {
    const { host, told, ports } = tradingHost()
    expect(await stopByHand(ports, settings, 'ada')).toEqual({
      outcome: 'done',
      because:
        'systemd unit genesis-trading is stopped (exited with status 0); no process but the capture has the database open: all were looked into',
      notProven: [],
      dryRun: false,
    })
    expect(told).toEqual(['latch person:ada', 'stop within 7000 ms'])
    expect(host.latch).toEqual({ holder: 'person:ada', reason: 'stop-trading', setAtMs: 1_000_000 })
  })

  it('owner and group of the database could not be kept -> a person stops the bot all the same, and a run is refused before it does', async () => {
    const { told, ports } = tradingHost({ ownerLost: 'chown is not permitted' })
    expect(await stopByHand(ports, settings, 'ada')).toMatchObject({ outcome: 'done' })
    told.length = 0
    const scope = {
      runId: 'run-1',
      scenario: 'DATABASE_CORRUPTION',
      mode: 'live',
      settings,
      facts: {},
      interrupted: false,
      runs: [],
    } as const
    for (const ask of [stopTrading.act, stopTrading.foresee]) {
      await expect(ask(ports, { ...scope, progress: () => {} })).rejects.toMatchObject({ code: 'OWNERSHIP_LOST', exit: 4 })
    }
    expect(told).toEqual([])
  })

  it('it is a dry run -> looked at, and nothing is changed', async () => {
    const { host, told, ports } = tradingHost()
    expect(await foreseeStopByHand(ports, settings, 'ada')).toEqual({
      outcome: 'skipped',
      because: 'would stop systemd unit genesis-trading (active (running)); now process 100 (python3 bot.py) has the database open',
      notProven: [],
      dryRun: true,
    })
    expect([told, host.running, host.latch]).toEqual([[], 'yes', null])
  })

  it('the configured service is not what has the database open -> a dry run says so, and the stop does not claim that it told it anything', async () => {
    const { ports } = tradingHost({ running: 'no', others: [other] })
    expect(await foreseeStopByHand(ports, settings, 'ada')).toMatchObject({
      because: expect.stringMatching(
        /now process 300 \(sqlite3 bot\.db\) has the database open, and is no process of it: this step would stop there$/,
      ),
      notProven: ['trading stopped'],
    })
    await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({
      code: 'SERVICE_STOP_UNPROVEN',
      message: expect.stringMatching(/did not run \(.*\), but process 300/),
      next: expect.stringContaining('give in "service:" what starts and stops it'),
    })
  })

  it('it does not obey, or somebody else has the database open -> SERVICE_STOP_UNPROVEN with who, and the latch stands', async () => {
    for (const over of [{ obeys: false }, { others: [other] }]) {
      const { host, ports, time } = tradingHost(over)
      await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({
        code: 'SERVICE_STOP_UNPROVEN',
        message: expect.stringMatching(/but process (100 \(python3 bot\.py\)|300 \(sqlite3 bot\.db\)) still has the database open$/),
      })
      expect(host.latch?.holder).toBe('person:ada')
      expect(time.ms).toBe(5000)
    }
  })

  it('not every process can be looked into -> it is not proven, whoever was found', async () => {
    const { ports } = tradingHost({ complete: false })
    await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({ code: 'SERVICE_STOP_UNPROVEN', exit: 3 })
  })

  it('a run holds the latch -> it is that of the person from then on', async () => {
    const { host, ports } = tradingHost({ latch: ofRun })
    await stopByHand(ports, settings, 'ada')
    expect(host.latch).toMatchObject({ holder: 'person:ada' })
  })

  it('a run releases its latch, and starts the bot, while a person stops it -> latched and stopped once more', async () => {
    const { host, told, ports } = tradingHost({ latch: ofRun })
    const read = ports.latch.read
    let stolen = false
    const latch = {
      ...ports.latch,
      read: () => {
        if (!stolen) Object.assign(host, { latch: null, running: 'yes' })
        stolen = true
        return read()
      },
    }
    await stopByHand({ ...ports, latch }, settings, 'ada')
    expect([host.latch?.holder, host.running]).toEqual(['person:ada', 'no'])
    expect(told.filter((one) => one.startsWith('stop'))).toHaveLength(2)
  })

  it('nobody has it open, and it is committed to all the same -> SERVICE_STOP_UNPROVEN: something opens it for an instant each time', async () => {
    let txid = 0x10
    const { host, ports, time } = tradingHost({ commits: () => txid++ })
    await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({
      code: 'SERVICE_STOP_UNPROVEN',
      message: 'nobody has the database open, but it is committed to: from 0000000000000010 to 0000000000000011 within 1 s',
    })
    expect([host.latch?.holder, time.ms]).toEqual(['person:ada', 1000])
    expect(await stopByHand(tradingHost({ commits: () => 7 }).ports, settings, 'ada')).toMatchObject({ outcome: 'done' })
  })

  it('the capture cannot say whether anybody commits -> stopped all the same, and that this was not watched', async () => {
    const { ports } = tradingHost({ commits: () => 7 })
    const reach = async () => {
      const captor = await ports.capture.reach()
      const position = async () => ({ state: 'capturing', trouble: 'the replica is away' })
      return { ...captor, control: { ...captor.control, position } } as typeof captor
    }
    expect(await stopByHand({ ...ports, capture: { ...ports.capture, reach } }, settings, 'ada')).toMatchObject({
      outcome: 'done',
      because: expect.stringContaining('was not watched: the replica is away'),
      notProven: ['nobody commits any more'],
    })
  })

  it('no service is configured, and nobody has the database open -> latched, and said to be not proven', async () => {
    const { host, ports } = tradingHost({ running: 'no' }, false)
    expect(await stopByHand(ports, settings, 'ada')).toMatchObject({ outcome: 'skipped', notProven: ['trading stopped'] })
    expect(host.latch?.holder).toBe('person:ada')
  })

  it('no service is configured, and the bot has it open -> DATABASE_IN_USE, and nothing is done', async () => {
    const { told, ports } = tradingHost({}, false)
    await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({ code: 'DATABASE_IN_USE' })
    expect(told).toEqual([])
  })
})

const started: RecordBody = {
  type: 'run-started',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  system: 'genesis',
  options: {},
  plan: [],
  detectedAtMs: 0,
  detectedBecause: 'noticed',
}
const ended = (step: string, evidence: JsonObject): RecordBody => ({
  type: 'step-ended',
  step,
  attempt: 1,
  outcome: 'done',
  because: 'it is done',
  notProven: [],
  durationMs: 1,
  evidence,
  error: null,
  byPerson: false,
})
async function record({ journal }: ExecuteWorld, ...bodies: readonly RecordBody[]): Promise<void> {
  const run = await Journal.open(journal, '20250101-120000-000aa')
  for (const body of bodies) await run.append(body)
}

describe('resuming by hand', () => {
  it.each([null, ofRun, { ...ofRun, holder: 'person:grace' }, { ...ofRun, holder: 'unknown' }])(
    'the latch that stands is %j -> a person removes it, and the bot is started until it has the database open',
    async (latch) => {
      const { host, desk } = tradingHost({ running: 'no', opensAfterMs: 400, latch })
      expect(await resumeByHand(desk, 'ada')).toMatchObject({
        outcome: 'done',
        because: 'systemd unit genesis-trading runs (active (running)) and has the database open',
      })
      expect([host.latch, host.running]).toEqual([null, 'yes'])
    },
  )

  it('a run is not finished -> RUN_ACTIVE, and neither latch nor bot is touched', async () => {
    const { host, told, desk } = tradingHost({ running: 'no', latch: ofRun })
    await record(desk, started)
    await expect(resumeByHand(desk, 'ada')).rejects.toMatchObject({ code: 'RUN_ACTIVE' })
    expect([told, host.latch]).toEqual([[], ofRun])
  })

  it('there is no database -> DATABASE_MISSING: the bot would begin with an empty one', async () => {
    const { told, desk } = tradingHost({ running: 'no', exists: false, latch: ofRun })
    await expect(resumeByHand(desk, 'ada')).rejects.toMatchObject({ code: 'DATABASE_MISSING' })
    expect(told).toEqual([])
  })

  it('it ends at once, or never opens the database -> SERVICE_START_FAILED with which of the two', async () => {
    const ended = tradingHost({ running: 'no', broken: true })
    await expect(resumeByHand(ended.desk, 'ada')).rejects.toMatchObject({
      code: 'SERVICE_START_FAILED',
      message: 'systemd unit genesis-trading was started, but it ended: exited with status 0',
    })
    const idle = tradingHost({ running: 'no', opensAfterMs: 60_000 })
    await expect(resumeByHand(idle.desk, 'ada')).rejects.toMatchObject({
      message: 'systemd unit genesis-trading was started, but it has not opened the database after 15 s',
    })
  })

  it('no service is configured -> the latch is gone, and the bot is started by hand', async () => {
    const { host, desk } = tradingHost({ running: 'no', latch: ofRun }, false)
    expect(await resumeByHand(desk, 'ada')).toMatchObject({ outcome: 'skipped', notProven: ['trading resumed'] })
    expect(host.latch).toBeNull()
  })

  it('a run is being executed -> RUN_ACTIVE, and neither latch nor bot is touched', async () => {
    const { told, desk } = tradingHost({ running: 'no', latch: ofRun })
    const lock = await desk.journal.store.lock()
    await expect(resumeByHand(desk, 'ada')).rejects.toMatchObject({ code: 'RUN_ACTIVE' })
    expect([lock === null, told]).toEqual([false, []])
  })

  it('somebody else has the database open, or it runs twice already -> DATABASE_IN_USE: no second bot is started, and the latch stands', async () => {
    for (const over of [{ others: [other] }, { running: 'yes' as const, concern: 'runs 2 times at once (pid 100, pid 101)' }]) {
      const { host, told, desk } = tradingHost({ running: 'no', latch: ofRun, ...over })
      await expect(resumeByHand(desk, 'ada')).rejects.toMatchObject({
        code: 'DATABASE_IN_USE',
        message: expect.stringMatching(/300 \(sqlite3 bot\.db\)|pid 100, pid 101/),
      })
      expect([told, host.latch]).toEqual([[], ofRun])
    }
  })

  it('the start fails -> the bot is stopped again, and the former latch stands again', async () => {
    const { host, told, desk } = tradingHost({ running: 'no', opensAfterMs: 60_000, latch: ofRun })
    await expect(resumeByHand(desk, 'ada')).rejects.toMatchObject({
      untouched: 'The bot is stopped again; the halt latch of run-1 stands. The database is as it was before the start.',
    })
    expect([host.running, host.latch]).toEqual(['no', ofRun])
    expect(told).toEqual(['release person:ada', 'start', 'latch run-1', 'stop within 7000 ms'])
  })

  it('the start fails, and the former latch cannot be set again -> the bot is stopped all the same, and both are said', async () => {
    const { host, desk } = tradingHost({ running: 'no', opensAfterMs: 60_000, latch: ofRun })
    const set = () => Promise.reject(new DrError('IO_FAILED', { what: 'the disk gave up', untouched: '', next: '' }))
    const ports = { ...desk.ports, latch: { ...desk.ports.latch, set } }
    await expect(resumeByHand({ ...desk, ports }, 'ada')).rejects.toMatchObject({
      code: 'SERVICE_START_FAILED',
      untouched:
        'The bot is stopped again; the halt latch could not be set again (the disk gave up). The database is as it was before the start.',
    })
    expect(host.running).toBe('no')
  })

  it('a latch is set while the bot is started -> HALTED, and it is stopped again', async () => {
    const { host, desk } = tradingHost({ running: 'no', latch: ofRun, onStart: () => (host.latch = { ...ofRun, holder: 'person:grace' }) })
    await expect(resumeByHand(desk, 'ada')).rejects.toMatchObject({ code: 'HALTED' })
    expect([host.running, host.latch?.holder]).toEqual(['no', 'person:grace'])
  })
})

describe('resuming after a run that restored, and did not come to protect', () => {
  const restored = { path: '/data/bot.db', inode: 1, sizeBytes: 0, sum: '0' }
  const facts = { chosen: { timeline: '00000001', txid: 9 }, restored } as const
  const failed: readonly RecordBody[] = [
    started,
    ended('restore-database', facts),
    { type: 'run-ended', state: 'failed', because: 'validate-recovery: fails', result: {} },
  ]

  it('-> a timeline begins at the restored point first, then the bot is started', async () => {
    const { told, desk } = tradingHost({ running: 'no', latch: ofRun, commits: () => 9, known: 77 })
    await record(desk, ...failed)
    expect((await resumeByHand(desk, 'ada')).because).toMatch(/^timeline 00000002 begins at 0000000000000009 .*; systemd unit .* runs/)
    expect(told).toEqual(['fork 00000001 at 9', 'release person:ada', 'start'])
  })

  it('that fails -> the bot is not started', async () => {
    const onStart = () => {
      throw new DrError('STORE_UNAVAILABLE', { what: 'it is away', untouched: 'All.', next: 'Wait.' })
    }
    const { host, desk } = tradingHost({ running: 'no', latch: ofRun, commits: () => 9, known: 77, onStart })
    await record(desk, ...failed)
    await expect(resumeByHand(desk, 'ada')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect([host.running, host.latch]).toEqual(['no', ofRun])
  })

  it('the capture has found the restored file since, or it is protected, or replaced -> only started', async () => {
    const { steps, over } = { steps: [...failed.slice(0, 2), ended('protect-again', {}), failed[2] as RecordBody], over: { known: 1 } }
    for (const [bodies, host] of [[failed, over] as const, [steps, { known: 77 }] as const]) {
      const { told, desk } = tradingHost({ running: 'no', latch: ofRun, commits: () => 9, ...host })
      await record(desk, ...bodies)
      await resumeByHand(desk, 'ada')
      expect(told).toEqual(['release person:ada', 'start'])
    }
  })
})

describe('whose latch a run removes', () => {
  const scope: Scope = {
    runId: 'run-2',
    scenario: 'DATABASE_CORRUPTION',
    mode: 'live',
    settings,
    facts: {},
    interrupted: false,
    runs: ['run-1', 'run-2'],
    progress: () => {},
  }

  it.each([
    ['of a run that ended before', 'run-1', 'yes'],
    ['of somebody who is no run', 'ops-pager', 'no'],
    ['that cannot be read', 'unknown', 'no'],
    ['of a person', 'person:grace', 'no'],
  ] as const)('one %s stands -> %s: started again: %s', async (_, holder, running) => {
    const { host, ports } = tradingHost({ latch: { ...ofRun, holder } })
    const { evidence } = await stopTrading.act(ports, scope)
    const resumed = await resumeTrading.act(ports, { ...scope, facts: evidence }).catch((error: unknown) => error)
    expect(host.running).toBe(running)
    if (running === 'no') expect(resumed).toMatchObject({ code: 'HALTED' })
    else expect(host.latch).toBeNull()
  })

  it('somebody commits to the recovered database before the bot is started -> DATABASE_IN_USE: another bot is at work', async () => {
    const protectedAs = { timeline: '00000001', txid: 7 }
    const { told, ports } = tradingHost({ running: 'no', commits: () => 8 })
    await expect(resumeTrading.act(ports, { ...scope, facts: { protectedAs } })).rejects.toMatchObject({ code: 'DATABASE_IN_USE' })
    expect(told).toEqual([])
    const quiet = tradingHost({ running: 'no', commits: () => 7 })
    expect(await resumeTrading.act(quiet.ports, { ...scope, facts: { protectedAs } })).toMatchObject({ outcome: 'done' })
  })

  it('the start fails in a run whose latch was gone already -> a latch of the run stands', async () => {
    const { host, ports } = tradingHost({ running: 'no', broken: true })
    await expect(resumeTrading.act(ports, scope)).rejects.toMatchObject({ code: 'SERVICE_START_FAILED' })
    expect(host.latch?.holder).toBe('run-2')
  })
})
