/** Stopping and starting the bot by hand: proven, latched, and refused while it would do harm. */
import { describe, expect, it } from 'vitest'
import type { CaptureControl } from '../ports/capture-control.ts'
import type { DatabaseFiles } from '../ports/database-files.ts'
import type { LatchFacts } from '../ports/halt-latch.ts'
import type { Holder } from '../ports/open-files.ts'
import type { RunbookPorts, RunSettings } from './runbook.ts'
import { foreseeStopByHand, resumeByHand, stopByHand } from './trading.ts'

const settings: RunSettings = {
  system: 'genesis',
  database: '/data/bot.db',
  evidenceFolder: '/data/evidence',
  stopTimeoutMs: 7000,
  integrity: 'quick',
  checks: [],
  logPatterns: [],
  contacts: [],
  links: {},
}

interface Host {
  running: 'yes' | 'no' | 'unknown'
  /** What the bot does when it is told to stop. */
  obeys: boolean
  /** It fails as soon as it is started. */
  broken: boolean
  /** ms until a started bot has its database open; a stopped one gives it back at once. */
  opensAfterMs: number
  latch: LatchFacts | null
  exists: boolean
  /** Everybody could be looked into. */
  complete: boolean
  /** Somebody else has the database open. */
  others: readonly Holder[]
}

/** A host in memory: one bot with pid 100, one latch, one database. Every change of it is told in `told`. */
function world(over: Partial<Host> = {}, withService = true) {
  const host: Host = {
    running: 'yes',
    obeys: true,
    broken: false,
    opensAfterMs: 0,
    latch: null,
    exists: true,
    complete: true,
    others: [],
    ...over,
  }
  const told: string[] = []
  const time = { ms: 0, startedMs: 0 }
  const stateNow = () => ({
    running: host.running,
    pids: host.running === 'yes' ? [100] : [],
    because: host.running === 'yes' ? 'active (running)' : 'exited with status 0',
    exitStatus: null,
  })
  const hasOpen = (): boolean => host.running === 'yes' && time.ms - time.startedMs >= host.opensAfterMs
  const ports: RunbookPorts = {
    clock: {
      wallMs: () => 1_000_000 + time.ms,
      monotonicMs: () => time.ms,
      sleep: async (ms) => {
        time.ms += ms
      },
    },
    files: {
      ...({} as DatabaseFiles),
      stat: async () => (host.exists ? { device: 1, inode: 1, sizeBytes: 0, mode: 0o600, uid: 0, gid: 0 } : null),
    },
    openFiles: {
      holders: async () => ({
        processes: [...(hasOpen() ? [{ pid: 100, command: 'python3 bot.py' }] : []), ...host.others],
        complete: host.complete,
        because: host.complete ? 'all were looked into' : 'hidepid',
      }),
    },
    latch: {
      read: async () => host.latch,
      set: async (facts) => {
        told.push(`latch ${facts.holder}`)
        host.latch ??= facts
        return host.latch
      },
      release: async (holder) => {
        told.push(`release ${holder}`)
        if (host.latch === null) return 'absent'
        if (host.latch.holder !== holder && !holder.startsWith('person:')) return 'other'
        host.latch = null
        return 'released'
      },
    },
    service: withService
      ? {
          description: 'systemd unit genesis-trading',
          state: async () => stateNow(),
          stop: async (timeoutMs) => {
            told.push(`stop within ${timeoutMs} ms`)
            if (host.obeys) host.running = 'no'
            return stateNow()
          },
          start: async () => {
            told.push('start')
            host.running = host.broken ? 'no' : 'yes'
            time.startedMs = time.ms
            return stateNow()
          },
          recentLog: async () => [],
        }
      : null,
    capture: { reach: async () => ({ pid: null, control: {} as CaptureControl }) },
    notifiers: [],
    store: {} as RunbookPorts['store'],
    outputs: {} as RunbookPorts['outputs'],
    checks: {} as RunbookPorts['checks'],
  }
  return { host, told, ports, time }
}
const other: Holder = { pid: 300, command: 'sqlite3 bot.db' }
const ofRun: LatchFacts = { holder: 'run-1', reason: 'DATABASE_CORRUPTION', setAtMs: 1 }

describe('stopping by hand', () => {
  it('the bot runs -> latched in the name of the person first, then stopped, and proven', async () => {
    const { host, told, ports } = world()
    expect(await stopByHand(ports, settings, 'ada')).toEqual({
      outcome: 'done',
      because: 'systemd unit genesis-trading is stopped (exited with status 0); no process but the capture has the database open',
      notProven: [],
      dryRun: false,
    })
    expect(told).toEqual(['latch person:ada', 'stop within 7000 ms'])
    expect(host.latch).toEqual({ holder: 'person:ada', reason: 'stop-trading', setAtMs: 1_000_000 })
  })

  it('it is a dry run -> looked at, and nothing is changed', async () => {
    const { host, told, ports } = world()
    expect(await foreseeStopByHand(ports, settings, 'ada')).toEqual({
      outcome: 'skipped',
      because: 'would stop systemd unit genesis-trading, which is active (running); now process 100 (python3 bot.py) has the database open',
      notProven: [],
      dryRun: true,
    })
    expect([told, host.running, host.latch]).toEqual([[], 'yes', null])
  })

  it('it does not obey, or somebody else has the database open -> SERVICE_STOP_UNPROVEN with who, and the latch stands', async () => {
    for (const over of [{ obeys: false }, { others: [other] }]) {
      const { host, ports, time } = world(over)
      await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({
        code: 'SERVICE_STOP_UNPROVEN',
        message: expect.stringMatching(/but process (100 \(python3 bot\.py\)|300 \(sqlite3 bot\.db\)) still has the database open$/),
      })
      expect(host.latch?.holder).toBe('person:ada')
      expect(time.ms).toBe(5000)
    }
  })

  it('not every process can be looked into -> it is not proven, whoever was found', async () => {
    const { ports } = world({ complete: false })
    await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({ code: 'SERVICE_STOP_UNPROVEN', exit: 3 })
  })

  it('a run holds the latch -> it stays that of the run', async () => {
    const { host, ports } = world({ latch: ofRun })
    await stopByHand(ports, settings, 'ada')
    expect(host.latch).toEqual(ofRun)
  })

  it('no service is configured, and nobody has the database open -> latched, and said to be not proven', async () => {
    const { host, ports } = world({ running: 'no' }, false)
    expect(await stopByHand(ports, settings, 'ada')).toMatchObject({ outcome: 'skipped', notProven: ['trading stopped'] })
    expect(host.latch?.holder).toBe('person:ada')
  })

  it('no service is configured, and the bot has it open -> DATABASE_IN_USE, and nothing is done', async () => {
    const { told, ports } = world({}, false)
    await expect(stopByHand(ports, settings, 'ada')).rejects.toMatchObject({ code: 'DATABASE_IN_USE' })
    expect(told).toEqual([])
  })
})

describe('resuming by hand', () => {
  it.each([null, ofRun, { ...ofRun, holder: 'person:grace' }, { ...ofRun, holder: 'unknown' }])(
    'the latch that stands is %j -> a person removes it, and the bot is started until it has the database open',
    async (latch) => {
      const { host, ports } = world({ running: 'no', opensAfterMs: 400, latch })
      expect(await resumeByHand(ports, settings, 'ada', null)).toMatchObject({
        outcome: 'done',
        because: 'systemd unit genesis-trading runs (active (running)) and has the database open',
      })
      expect([host.latch, host.running]).toEqual([null, 'yes'])
    },
  )

  it('a run is not finished -> RUN_ACTIVE, and neither latch nor bot is touched', async () => {
    const { host, told, ports } = world({ running: 'no', latch: ofRun })
    await expect(resumeByHand(ports, settings, 'ada', 'run-1')).rejects.toMatchObject({ code: 'RUN_ACTIVE' })
    expect([told, host.latch]).toEqual([[], ofRun])
  })

  it('there is no database -> DATABASE_MISSING: the bot would begin with an empty one', async () => {
    const { told, ports } = world({ running: 'no', exists: false, latch: ofRun })
    await expect(resumeByHand(ports, settings, 'ada', null)).rejects.toMatchObject({ code: 'DATABASE_MISSING' })
    expect(told).toEqual([])
  })

  it('it ends at once, or never opens the database -> SERVICE_START_FAILED with which of the two', async () => {
    const ended = world({ running: 'no', broken: true })
    await expect(resumeByHand(ended.ports, settings, 'ada', null)).rejects.toMatchObject({
      code: 'SERVICE_START_FAILED',
      message: 'systemd unit genesis-trading was started, but it ended: exited with status 0',
    })
    const idle = world({ running: 'no', opensAfterMs: 60_000 })
    await expect(resumeByHand(idle.ports, settings, 'ada', null)).rejects.toMatchObject({
      message: 'systemd unit genesis-trading was started, but it has not opened the database after 15 s',
    })
  })

  it('no service is configured -> the latch is gone, and the bot is started by hand', async () => {
    const { host, ports } = world({ running: 'no', latch: ofRun }, false)
    expect(await resumeByHand(ports, settings, 'ada', null)).toMatchObject({ outcome: 'skipped', notProven: ['trading resumed'] })
    expect(host.latch).toBeNull()
  })
})
