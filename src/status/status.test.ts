/** One sentence and a list: what would happen if this host died now, with what is not known said to be not known. */
import { describe, expect, it } from 'vitest'
import type { BackupStatus } from './backup-status.ts'
import type { ReplicationStatus } from './replication-status.ts'
import type { RunSummary } from './runs.ts'
import { type StatusFacts, statusOf } from './status.ts'

const now = 1_735_732_800_000
const replication: ReplicationStatus = {
  database: '/data/bot.db',
  replica: 'file:/replica',
  state: 'capturing',
  because: 'the capture follows the database',
  trouble: null,
  pid: 100,
  timeline: '00000001',
  txid: '0000000000000011',
  lagMs: 0,
  pending: 0,
  continuous: true,
  lastCommitAt: '2025-01-01T11:59:59.000Z',
  walBytes: 4096,
  walLargeSince: null,
  readers: null,
  gaveUp: null,
  unproven: null,
  sameDisk: false,
  pages: { reads: 'direct', comparedAt: '2025-01-01T11:59:00.000Z', ageMs: 60_000, tookMs: 20_000, damaged: [] },
}
const backup: BackupStatus = {
  database: '/data/bot.db',
  replica: 'file:/replica',
  timeline: '00000001',
  points: 17,
  earliest: '2025-01-01T00:00:00.000Z',
  latest: '2025-01-01T11:59:59.000Z',
  txid: '0000000000000011',
  ageMs: 1000,
  lagMs: 0,
  verifiedAt: '2025-01-01T11:59:20.000Z',
  verifiedTxid: '0000000000000010',
  proof: { state: 'passed', ageMs: 40_000, durationMs: 3100 },
  sizeBytes: 1_000_000,
  writtenBy: 'genesis-dr',
  timelines: [],
  damaged: [],
}
const proven = (state: BackupStatus['proof']['state']): BackupStatus => ({ ...backup, proof: { state, ageMs: 1, durationMs: 1 } })
const oneTimeline: BackupStatus['timelines'][number] = {
  timeline: '00000001',
  parent: null,
  forkTxid: null,
  complete: true,
  points: 17,
  latestTxid: '0000000000000011',
  beyondGapTxid: null,
}
const run: RunSummary = {
  runId: 'run-1',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  state: 'done',
  step: 'resume-trading',
  startedAt: '2025-01-01T00:00:00.000Z',
  endedAt: '2025-01-01T00:00:03.000Z',
  because: 'recovered',
}
const facts: StatusFacts = {
  system: 'genesis',
  database: { path: '/data/bot.db', exists: true, journal: 'wal' },
  service: {
    description: 'systemd unit genesis-trading',
    state: { running: 'yes', pids: [7], because: 'active (running)', exitStatus: null },
  },
  words: { damage: null, troubles: [], untold: null },
  latch: null,
  latchGap: null,
  replication,
  backup,
  lastRun: run,
  older: [],
  replicaOf: null,
  botSqlite: [],
  agent: null,
  configuration: { changedAtMs: now - 3_600_000 },
  notifiers: 1,
  nowMs: now,
}
const headline = (over: Partial<StatusFacts>): string => statusOf({ ...facts, ...over }).headline
const concerns = (over: Partial<StatusFacts>): readonly string[] => statusOf({ ...facts, ...over }).concerns

describe('if this host died now', () => {
  it('everything is known and well -> back in what time, with nothing missing, proven when; and it is ready', () => {
    const status = statusOf(facts)
    expect(status.headline).toBe('If this host died now: back in 3.1 s, nothing that was copied is missing, proven 40.0 s ago.')
    expect([status.ready, status.concerns]).toEqual([true, []])
  })

  it('commits wait to be copied -> how many, and for how long', () => {
    expect(headline({ replication: { ...replication, pending: 3, lagMs: 250 } })).toContain('3 transactions (250 ms) lost')
  })

  it.each([
    ['no capture runs', { lagMs: null, pending: null }],
    ['only the lag is known', { lagMs: 5, pending: null }],
    ['only the count is known', { lagMs: null, pending: 0 }],
  ])('%s -> what would be lost is not known', (_, over) => {
    expect(headline({ replication: { ...replication, ...over } })).toContain('what would be lost is not known')
  })

  it.each(['none', 'failed', 'gone'] as const)('the last proof is %s -> neither time nor proof is claimed', (state) => {
    expect(headline({ backup: { ...backup, proof: { state, ageMs: 1, durationMs: 3100 } } })).toBe(
      'If this host died now: how long it takes to come back is not measured (run: genesis-dr validate), nothing that was copied is missing, not proven.',
    )
  })

  it('the replica holds nothing -> nothing could be restored, whatever was proven before', () => {
    expect(headline({ backup: { ...backup, txid: null } })).toBe(
      'If this host died now: nothing could be restored, the replica holds no restore point.',
    )
  })

  it('the replica lies on the same disk -> nothing could be restored', () => {
    expect(headline({ replication: { ...replication, sameDisk: true } })).toBe(
      'If this host died now: nothing could be restored, the replica lies on the same disk as the database.',
    )
  })

  it('what would be lost is not known -> how old the newest copy is stands beside it', () => {
    const over = { replication: { ...replication, lagMs: null, pending: null }, backup: { ...backup, ageMs: 90_000 } }
    expect(headline(over)).toContain('what would be lost is not known (the newest copy is 1 min 30 s old)')
  })

  it('it cannot be told whether it is the same disk -> the answer is given without it', () => {
    expect(headline({ replication: { ...replication, sameDisk: null } })).toContain('back in 3.1 s')
  })

  it('the clock was set back since the proof -> it is not known how long ago', () => {
    expect(headline({ backup: { ...backup, proof: { state: 'passed', ageMs: null, durationMs: 100 } } })).toContain(
      'proven, not known when (its time is ahead of the clock)',
    )
  })
})

describe('what needs attention', () => {
  it.each<[string, Partial<StatusFacts>, string]>([
    ['the database is gone', { database: { path: '/data/bot.db', exists: false, journal: null } }, 'there is no database at /data/bot.db'],
    ['the replica is empty', { backup: { ...backup, txid: null } }, 'the replica holds no restore point'],
    [
      'the bot runs twice',
      {
        service: {
          description: 'command bot',
          state: { running: 'yes', pids: [1, 2], because: 'running', exitStatus: null, concern: 'runs 2 times at once (pid 1, pid 2)' },
        },
      },
      'command bot runs 2 times at once (pid 1, pid 2)',
    ],
    [
      'files of the replica are missing',
      { backup: { ...backup, timelines: [{ ...oneTimeline, beyondGapTxid: '0000000000000020' }] } },
      'files are missing in the replica: what is after 0000000000000011, up to 0000000000000020, cannot be restored',
    ],
    [
      'its newest timeline is not complete',
      { backup: { ...backup, timelines: [oneTimeline, { ...oneTimeline, timeline: '00000002', complete: false }] } },
      'timeline 00000002 is not complete: a restore uses the newest complete one',
    ],
    [
      'the record of a timeline is damaged',
      { backup: { ...backup, damaged: ['00000002/timeline.json is not a timeline record (3 bytes)'] } },
      '00000002/timeline.json is not a timeline record (3 bytes)',
    ],
    ['no capture runs', { replication: { ...replication, state: 'not-running', trouble: 'no capture runs' } }, 'no capture runs'],
    ['the capture does not answer', { replication: { ...replication, state: 'unknown', trouble: 'it is silent' } }, 'it is silent'],
    [
      'the capture was let go',
      { replication: { ...replication, state: 'let-go', trouble: 'let go for a recovery' } },
      'let go for a recovery',
    ],
    ['the store is away', { replication: { ...replication, trouble: 'the store does not answer' } }, 'the store does not answer'],
    [
      'a commit may be missed',
      { replication: { ...replication, continuous: false, trouble: 'the log was replaced' } },
      'the log was replaced',
    ],
    [
      'the replica lies on the same disk',
      { replication: { ...replication, sameDisk: true } },
      'the replica lies on the same disk as the database: it survives corruption, not the loss of this disk',
    ],
    ['nothing was ever proven', { backup: proven('none') }, 'no restore was ever proven: run genesis-dr validate'],
    ['the last proof failed', { backup: proven('failed') }, 'the last validation failed: run genesis-dr validate'],
    [
      'what was proven is gone',
      { backup: proven('gone') },
      'the restore point that was proven last is not in this replica: run genesis-dr validate',
    ],
    ['a run was interrupted', { lastRun: { ...run, state: 'interrupted', because: 'it died' } }, 'run run-1 is interrupted: it died'],
    ['a run failed', { lastRun: { ...run, state: 'failed', because: 'not recovered' } }, 'run run-1 failed: not recovered'],
    [
      'trading is halted',
      { latch: { holder: 'person:ada', reason: 'maintenance', setAtMs: 0 } },
      'trading is halted by person:ada: maintenance',
    ],
    ['a reboot would start the bot past a latch', { latchGap: 'a reboot would start it' }, 'a reboot would start it'],
    [
      'the bot does not run',
      { service: { description: 'unit x', state: { running: 'no', pids: [], because: 'exited with status 1', exitStatus: 1 } } },
      'unit x: exited with status 1',
    ],
    [
      'another process than that of the service has the database open',
      {
        service: { description: 'command python3 bot.py', state: { running: 'no', pids: [], because: 'never started', exitStatus: null } },
        botSqlite: [{ pid: 42, command: 'python3 bot.py', version: null }],
      },
      'command python3 bot.py: never started; process 42 (python3 bot.py) has the database open, and is no process of it: give in "service" what starts the bot',
    ],
    [
      'it is not known whether the bot runs',
      {
        service: {
          description: 'unit x',
          state: { running: 'unknown', pids: [], because: 'the manager does not answer', exitStatus: null },
        },
      },
      'unit x: the manager does not answer',
    ],
  ])('%s -> said, and it is not ready', (_, over, concern) => {
    expect(statusOf({ ...facts, ...over })).toMatchObject({ ready: false, concerns: [concern] })
  })

  it('the bot does not run because trading is halted -> the halt is said, not the bot', () => {
    const service = { description: 'unit x', state: { running: 'no' as const, pids: [], because: 'stopped', exitStatus: 0 } }
    expect(concerns({ service, latch: { holder: 'run-1', reason: 'DATABASE_CORRUPTION', setAtMs: 0 } })).toEqual([
      'trading is halted by run-1: DATABASE_CORRUPTION',
    ])
  })

  it('several things -> all of them, the database first', () => {
    const all = concerns({
      database: { path: 'x', exists: false, journal: null },
      backup: { ...proven('none'), txid: null },
      lastRun: null,
    })
    expect(all).toEqual([
      'there is no database at x',
      'the replica holds no restore point',
      'no restore was ever proven: run genesis-dr validate',
    ])
  })

  it('files are missing, or a timeline is not complete, but a newer one is whole -> that is nothing to worry about', () => {
    const former = { ...oneTimeline, complete: false, beyondGapTxid: '0000000000000020' }
    expect(
      concerns({ backup: { ...backup, timeline: '00000002', timelines: [former, { ...oneTimeline, timeline: '00000002' }] } }),
    ).toEqual([])
  })

  it('nothing was ever run -> that is nothing to worry about', () => {
    expect(statusOf({ ...facts, lastRun: null })).toMatchObject({ ready: true, lastRun: null })
  })
})

describe('what the bot says', () => {
  it('damage, and other trouble -> both are concerns', () => {
    expect(concerns({ words: { damage: 'malformed', troubles: ['the disk is full'], untold: null } })).toEqual([
      'the bot says: malformed (look: genesis-dr execute --scenario DATABASE_CORRUPTION --dry-run)',
      'the disk is full',
    ])
  })

  it('its log cannot be read -> named, and that does not make it unready', () => {
    const status = statusOf({ ...facts, words: { damage: null, troubles: [], untold: 'no journal' } })
    expect([status.notConfigured[0], status.ready]).toEqual(['log: no journal', true])
  })
})

describe('what is not configured', () => {
  it('service and channels are -> what this version lacks only, and that does not make it unready', () => {
    expect(statusOf(facts).notConfigured).toEqual([
      'watch: no agent runs, so that nothing looks for damage by itself (genesis-dr agent)',
      'exchange: the third ledger is not compared in this version',
    ])
  })

  it('neither service nor channel -> both are named', () => {
    const status = statusOf({ ...facts, service: null, notifiers: 0 })
    expect(status.notConfigured.slice(0, 2)).toEqual(['service: the bot is stopped and started by hand', 'notify: nobody is told'])
    expect(status).toMatchObject({ service: null, ready: true })
  })

  it('how the service is stopped and started is not proven -> that is named', () => {
    const { service } = facts
    if (service === null) throw new Error('these facts have a service')
    const status = statusOf({ ...facts, service: { ...service, caveat: 'tested on recorded output' } })
    expect([status.notConfigured[0], status.ready]).toEqual(['service: tested on recorded output', true])
  })

  it('a latch stands -> since when, as a time', () => {
    expect(statusOf({ ...facts, latch: { holder: 'person:ada', reason: 'maintenance', setAtMs: now } }).halt).toEqual({
      holder: 'person:ada',
      reason: 'maintenance',
      since: '2025-01-01T12:00:00.000Z',
    })
  })
})

describe('who watches', () => {
  const agent = { pid: 7, startedAtMs: now - 60_000, looked: { atMs: now - 12_000, found: '', untold: '' }, run: null }

  it('an agent that looked -> when, and it is not among what is missing', () => {
    const status = statusOf({ ...facts, agent })
    expect(status.agent).toEqual({ pid: 7, lookedAt: expect.any(String), ageMs: 12_000, found: '', untold: '' })
    expect(status.notConfigured.join()).not.toContain('watch')
    expect(status.ready).toBe(true)
  })
  it('its configuration was changed since it began -> it goes on by the old one, and that is said', () => {
    expect(statusOf({ ...facts, agent }).worthKnowing).toEqual([])
    const { worthKnowing, ready } = statusOf({ ...facts, agent, configuration: { changedAtMs: now - 1000 } })
    expect([worthKnowing, ready]).toEqual([[expect.stringContaining('restart the agent')], true])
  })

  it('the capture published more than the replica has -> files of it are gone', () => {
    expect(
      concerns({ backup: { ...backup, txid: '0000000000000010' }, replication: { ...replication, txid: '0000000000000011' } }),
    ).toEqual(['files of the replica are gone: it was written up to 0000000000000011, and ends at 0000000000000010'])
  })

  it('pages changed while nobody watched -> that an older file may have been put in its place, and where the newer state is', () => {
    const unproven = { pages: 84, txid: '000000000000003d', at: '2025-01-01T00:00:00.000Z' }
    const { worthKnowing } = statusOf({ ...facts, replication: { ...replication, unproven } })
    expect(worthKnowing).toEqual([expect.stringMatching(/^84 pages changed .*restore point 000000000000003c/)])
  })

  it('no configuration was read -> where an agent would leave its record is not known, so that none is denied', () => {
    expect(statusOf({ ...facts, configuration: null }).notConfigured.join()).toContain('whether an agent runs is not known')
  })

  it('an agent that has not looked yet -> not known, not "nothing found"', () => {
    expect(statusOf({ ...facts, agent: { ...agent, looked: null } }).agent).toMatchObject({ lookedAt: null, ageMs: null })
  })
  it('it saw damage -> that is the first concern', () => {
    const seen = { ...agent, looked: { atMs: now, found: 'page 7', untold: '' } }
    expect(concerns({ agent: seen })).toEqual(['the agent sees damage: page 7'])
  })
})

describe('what is worth knowing', () => {
  const bot = { pid: 42, command: 'python3 bot.py' }

  it('the bot has a SQLite that can lose commits -> which process, which version; and it is ready all the same', () => {
    const status = statusOf({ ...facts, botSqlite: [{ ...bot, version: '3.40.1' }] })
    expect(status.worthKnowing).toEqual([
      expect.stringMatching(/^process 42 \(python3 bot\.py\) uses SQLite 3\.40\.1, which can lose commits/),
    ])
    expect(status.ready).toBe(true)
  })
  it('one that cannot, or one that is not known -> nothing', () => {
    const botSqlite = [
      { ...bot, version: '3.53.4' },
      { ...bot, version: null },
    ]
    expect(statusOf({ ...facts, botSqlite }).worthKnowing).toEqual([])
  })
})
