/** A host in memory for whatever stops and starts a bot: one bot, one latch, one database, and what is done to them. */
import type { CaptureControl, CaptureFork } from '../../src/ports/capture-control.ts'
import type { DatabaseFiles } from '../../src/ports/database-files.ts'
import type { LatchFacts } from '../../src/ports/halt-latch.ts'
import type { Holder } from '../../src/ports/open-files.ts'
import type { ExecuteWorld } from '../../src/runbook/execute.ts'
import type { RunbookPorts, RunSettings } from '../../src/runbook/runbook.ts'
import { recoveriesInMemory, smallSystem } from './small-runbook.ts'

export const settings: RunSettings = {
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

export interface Host {
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
  /** What is known against the bot that runs. */
  concern: string | undefined
  /** Somebody else does something at the moment when the bot is started. */
  onStart: () => void
  /** Where each further drain of the capture ends. null: no capture runs. */
  commits: (() => number) | null
  /** Inode that the capture remembers. */
  known: number | null
  /** Why owner, group and mode of the database could not be kept. */
  ownerLost: string | null
}

/** A host in memory: one bot with pid 100, one latch, one database. Every change of it is told in `told`. */
export function tradingHost(over: Partial<Host> = {}, withService = true) {
  const host: Host = {
    running: 'yes',
    obeys: true,
    broken: false,
    opensAfterMs: 0,
    latch: null,
    exists: true,
    complete: true,
    others: [],
    concern: undefined,
    onStart: () => {},
    commits: null,
    known: null,
    ownerLost: null,
    ...over,
  }
  const told: string[] = []
  const time = { ms: 0, startedMs: 0 }
  const stateNow = () => ({
    running: host.running,
    pids: host.running === 'yes' ? [100] : [],
    because: host.running === 'yes' ? 'active (running)' : 'exited with status 0',
    exitStatus: null,
    ...(host.concern === undefined ? {} : { concern: host.concern }),
  })
  const hasOpen = (): boolean => host.running === 'yes' && time.ms - time.startedMs >= host.opensAfterMs
  const control = {
    position: async () => ({ state: 'capturing', trouble: null }),
    drain: async () => ({ timeline: '00000001', txid: host.commits?.() ?? 0, lastCommitMs: 0, complete: true, because: 'drained' }),
    resume: async ({ timeline, txid }: CaptureFork) => {
      told.push(`fork ${timeline} at ${txid}`)
      host.onStart()
      return { timeline: '00000002', txid, lastCommitMs: 0, complete: true, because: 'forked' }
    },
  } as CaptureControl
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
      logsBeside: async () => [],
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
        const theirs = facts.holder.startsWith('person:') && host.latch?.holder.startsWith('person:') !== true
        host.latch = host.latch === null || theirs ? facts : host.latch
        return host.latch
      },
      release: async (holder, seen) => {
        told.push(`release ${holder}`)
        if (host.latch === null) return 'absent'
        if (holder.startsWith('person:') ? host.latch.holder !== seen.holder : host.latch.holder !== holder) return 'other'
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
            host.onStart()
            return stateNow()
          },
          recentLog: async () => ({ lines: [], gap: null }),
        }
      : null,
    capture: {
      reach: async () => ({ pid: host.commits === null ? null : 900, control }),
      knownFile: async () => (host.known === null ? null : { device: 1, inode: host.known }),
      timelineOf: async () => null,
      older: async () => [],
      otherReplica: async () => null,
    },
    notifiers: [],
    store: { folders: async () => [], list: async () => [] } as unknown as RunbookPorts['store'],
    outputs: { ...({} as RunbookPorts['outputs']), whyNotLike: async () => host.ownerLost },
    checks: {} as RunbookPorts['checks'],
    resting: {} as RunbookPorts['resting'],
    keptSums: {} as RunbookPorts['keptSums'],
    unfinished: recoveriesInMemory(),
  }
  const { world: small } = smallSystem()
  const desk: ExecuteWorld = { ...small, journal: { ...small.journal, clock: ports.clock }, ports, settings: () => settings }
  return { host, told, ports, time, desk }
}
