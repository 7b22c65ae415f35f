/** Runbooks of steps that a test makes, on a system that has nothing but journals: for what runs a runbook, whatever its steps do. */
import { nodeHash } from '../../src/adapters/node/hash.ts'
import { seededRandom } from '../../src/drill/seeded-random.ts'
import type { CaptureAtRest, ScrubOutcome } from '../../src/ports/capture-control.ts'
import type { JournalStore } from '../../src/ports/journal-store.ts'
import type { RecoveryMemory, UnfinishedRecovery } from '../../src/ports/recovery-memory.ts'
import type { ExecuteWorld } from '../../src/runbook/execute.ts'
import type { Runbook, RunbookPorts, Step, StepResult } from '../../src/runbook/runbook.ts'
import { minutes } from '../../src/units.ts'
import { journalsInMemory } from './journal-in-memory.ts'

export const ended = (outcome: StepResult['outcome'], because = `it is ${outcome}`): StepResult => ({ outcome, because, evidence: {} })

/** A step that is done as soon as it begins, and would be in a dry run, unless `over` says otherwise. */
export function smallStep(name: string, over: Partial<Pick<Step, 'act' | 'foresee' | 'optional' | 'expired'>> = {}): Step {
  return {
    name,
    phase: 'recovery',
    title: name,
    does: `Does ${name}.`,
    effect: { kind: 'reads', because: 'It does nothing.' },
    undo: { none: 'It does nothing.' },
    needs: [],
    foresee: async () => ended('skipped', `would do ${name}`),
    act: async () => ended('done'),
    ...over,
  }
}

export function smallRunbook(steps: readonly Step[], over: Partial<Runbook> = {}): Runbook {
  return {
    scenario: 'DATABASE_CORRUPTION',
    title: 'Small',
    rto: minutes(15),
    rpo: minutes(5),
    automation: 'full',
    options: {},
    detectedWhen: [],
    steps,
    validation: [],
    ...over,
  }
}

export interface SmallSystem {
  readonly world: ExecuteWorld
  /** ms; whoever sleeps lets it go on. */
  readonly time: { wallMs: number; monotonicMs: number }
}

const unjudged: ScrubOutcome = {
  reads: 'direct',
  judged: 0,
  waiting: 0,
  of: 0,
  turnEndedMs: null,
  turnAgeMs: null,
  turnTookMs: null,
  damaged: [],
  txid: 0,
  because: 'nothing was captured',
}

/** A database that stands at its path, without a log, and that nobody has open or captures. */
export const atRest: Pick<RunbookPorts, 'files' | 'openFiles' | 'capture'> = {
  files: {
    stat: async (path) => (/-(wal|shm)$/.test(path) ? null : { device: 1, inode: 1, sizeBytes: 0, mode: 0o600, uid: 0, gid: 0 }),
  } as RunbookPorts['files'],
  openFiles: { logsBeside: async () => [], holders: async () => ({ processes: [], complete: true, because: 'all were looked into' }) },
  capture: {
    reach: async () => ({ pid: null, control: { ...({} as CaptureAtRest), scrub: async () => unjudged } }),
    knownFile: async () => null,
    timelineOf: async () => null,
    older: async () => [],
    otherReplica: async () => null,
  },
}

export function recoveriesInMemory(): RecoveryMemory {
  let kept: UnfinishedRecovery | null = null
  return {
    read: async () => kept,
    write: async (unfinished) => {
      kept = unfinished
    },
    clear: async () => {
      kept = null
    },
  }
}

/** Its steps have no ports. */
export function smallSystem(store: JournalStore = journalsInMemory()): SmallSystem {
  const time = { wallMs: Date.UTC(2025, 0, 1, 12), monotonicMs: 0 }
  const clock = {
    wallMs: () => time.wallMs,
    monotonicMs: () => time.monotonicMs,
    sleep: async (ms: number) => {
      time.wallMs += ms
      time.monotonicMs += ms
    },
  }
  const settings = (runId: string) => ({
    system: 'genesis',
    database: '/data/bot.db',
    evidenceFolder: `/data/evidence/${runId}`,
    stopTimeoutMs: 0,
    integrity: 'quick' as const,
    checks: [],
    logPatterns: [],
    contacts: [],
    links: {},
  })
  const journal = { store, hash: nodeHash, clock, host: 'here' }
  return {
    world: {
      journal,
      ports: { store: { url: 'file:replica' }, service: null, unfinished: recoveriesInMemory() } as RunbookPorts,
      random: seededRandom(1),
      settings,
      pid: 1,
    },
    time,
  }
}
