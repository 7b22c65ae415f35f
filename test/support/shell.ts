/** A terminal, a keyboard and a system in memory, for tests of the command line: what a person typed, and what they were shown. */
import { resolve } from 'node:path/posix'
import type { Terminal } from '../../src/cli/command.ts'
import type { Parts } from '../../src/cli/parts.ts'
import type { ConfigFlags, Surroundings } from '../../src/cli/program.ts'
import { runProgram } from '../../src/cli/program.ts'
import { type Palette, plainPalette } from '../../src/cli/render/palette.ts'
import { readConfig } from '../../src/config.ts'
import { configurationText } from '../../src/init/configuration-text.ts'
import type { Facts } from '../../src/init/facts.ts'
import { nextSteps } from '../../src/init/next-steps.ts'
import type { InitOutcome } from '../../src/init/outcome.ts'
import { propose } from '../../src/init/propose.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { DatabaseFile } from '../../src/ports/database-search.ts'
import type { RecoverReport } from '../../src/runbook/recover.ts'
import type { RunResult } from '../../src/runbook/result.ts'
import { databaseCorruption } from '../../src/runbook/scenarios/database-corruption.ts'
import type { ValidateReport } from '../../src/runbook/validate.ts'
import type { BackupStatus } from '../../src/status/backup-status.ts'
import type { ReplicationStatus } from '../../src/status/replication-status.ts'
import type { RunSummary } from '../../src/status/runs.ts'
import type { Status } from '../../src/status/status.ts'

export const replication: ReplicationStatus = {
  database: '/desk/bot.db',
  replica: 'file:/replica',
  state: 'capturing',
  because: 'the capture follows the database',
  trouble: null,
  pid: 100,
  timeline: '00000001',
  txid: '0000000000000011',
  lagMs: 35,
  pending: 2,
  continuous: true,
  lastCommitAt: '2025-01-01T12:00:00.000Z',
  walBytes: 12_360,
  walLargeSince: null,
  readers: null,
  gaveUp: null,
  unproven: null,
  sameDisk: false,
  pages: { reads: 'direct', comparedAt: '2025-01-01T11:59:00.000Z', ageMs: 60_000, tookMs: 20_000, damaged: [] },
}

export const backup: BackupStatus = {
  database: '/desk/bot.db',
  replica: 'file:/replica',
  timeline: '00000001',
  points: 1204,
  earliest: '2025-01-01T00:00:00.000Z',
  latest: '2025-01-01T12:00:00.000Z',
  txid: '0000000000000011',
  ageMs: 1000,
  lagMs: 35,
  verifiedAt: '2025-01-01T11:00:00.000Z',
  verifiedTxid: '0000000000000010',
  proof: { state: 'passed', ageMs: 40_000, durationMs: 3100 },
  sizeBytes: 1_500_000,
  writtenBy: 'genesis-dr',
  timelines: [
    {
      timeline: '00000001',
      parent: null,
      forkTxid: null,
      complete: true,
      points: 1204,
      latestTxid: '0000000000000011',
      beyondGapTxid: '0000000000000020',
    },
    {
      timeline: '00000002',
      parent: '00000001',
      forkTxid: '0000000000000009',
      complete: false,
      points: 0,
      latestTxid: null,
      beyondGapTxid: null,
    },
  ],
  damaged: [],
}

export const run: RunSummary = {
  runId: '20250101-120000-482a1',
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  state: 'done',
  step: 'resume-trading',
  startedAt: '2025-01-01T12:00:00.000Z',
  endedAt: '2025-01-01T12:00:03.000Z',
  because: 'recovered; not proven: exchange',
}

export const status: Status = {
  headline: 'If this host died now: back in 3.1 s, nothing that was copied is missing, proven 40.0 s ago.',
  ready: false,
  concerns: ['trading is halted by person:ada: maintenance'],
  system: 'genesis',
  database: { path: '/desk/bot.db', exists: true, journal: 'wal' },
  service: { description: 'systemd unit genesis-trading', running: 'no', because: 'inactive (dead)' },
  halt: { holder: 'person:ada', reason: 'maintenance', since: '2025-01-01T12:00:00.000Z' },
  replication,
  backup,
  lastRun: run,
  older: [],
  worthKnowing: [],
  botSqlite: [],
  agent: null,
  notConfigured: ['notify: nobody is told', 'exchange: the third ledger is not compared in this version'],
}

export const result: RunResult = {
  runId: run.runId,
  scenario: 'DATABASE_CORRUPTION',
  mode: 'live',
  success: true,
  because: 'recovered; not proven: exchange',
  notProven: ['exchange'],
  startedAt: '2025-01-01T12:00:00.000Z',
  endedAt: '2025-01-01T12:00:03.100Z',
  recoveryTimeMs: 3100,
  recoveryTimeMinutes: 0.052,
  rtoTargetMinutes: 15,
  rtoMet: true,
  dataLossMs: 0,
  dataLossMinutes: 0,
  lostTransactions: 0,
  lostOrders: null,
  rpoTargetMinutes: 5,
  rpoMet: true,
  steps: [
    {
      name: 'stop-trading',
      phase: 'immediate',
      outcome: 'done',
      because: 'it is stopped',
      startedAt: '2025-01-01T12:00:00.000Z',
      durationMs: 250,
      attempts: 1,
      evidence: {},
      error: null,
    },
  ],
  validation: [
    { check: 'database integrity (quick_check)', outcome: 'pass', observed: 'ok', expected: 'ok' },
    { check: 'order states', outcome: 'not-configured', observed: 'no exchange is configured to compare with', expected: '' },
  ],
}

export const report: RecoverReport = {
  output: '/desk/look.db',
  timeline: '00000001',
  txid: '0000000000000011',
  timestamp: '2025-01-01T12:00:00.000Z',
  pages: 300,
  sizeBytes: 1_228_800,
  filesRead: 3,
  bytesRead: 500_000,
  durationMs: 40,
  verified: ['checksum of each of 3 files read', 'quick_check of SQLite'],
  dryRun: false,
  notes: ['more may have been committed: the log is gone'],
  next: 'Compare positions and open orders with the exchange before the bot trades on this database.',
}

export const validated: ValidateReport = {
  success: true,
  because: '0000000000000011 was restored and passes',
  timeline: '00000001',
  txid: '0000000000000011',
  timestamp: '2025-01-01T12:00:00.000Z',
  durationMs: 40,
  validation: result.validation,
  notProven: ['exchange'],
  damagedPages: [],
}

const database: DatabaseFile = {
  path: '/desk/bot.db',
  journal: 'wal',
  device: 1,
  inode: 2,
  sizeBytes: 8192,
  mode: 0o100644,
  uid: 1000,
  gid: 1000,
}

export const initFacts: Facts = {
  file: database,
  holders: { processes: [{ pid: 7, command: 'python3 bot.py' }], complete: true, because: '12 processes were looked into by inode' },
  ledger: { ledger: 'own', because: 'it has tables of its own: orders' },
  ledgerBecause: 'it has tables of its own: orders',
  owner: 'trader',
  group: 'trader',
  folder: '/desk',
  output: '/desk/genesis-dr.yaml',
  standing: null,
  checks: [],
  units: { found: [{ name: 'bot', by: 'process' }], because: 'by the control groups of the processes that have it open' },
  containers: { found: [], because: 'there is no Compose file in its folder or above' },
  self: { uid: 0, name: 'root', groups: [0] },
  folderFacts: { ...database, path: '/desk', mode: 0o40755 },
  writeAccess: { may: true },
  closed: null,
  replica: { path: '/replica', given: 'given', sameDisk: false, owner: 'trader' },
}

export const initOutcome: Extract<InitOutcome, { do: 'proposed' }> = {
  do: 'proposed',
  searched: null,
  facts: initFacts,
  proposal: propose(initFacts),
  configuration: { path: initFacts.output, text: configurationText(propose(initFacts)), outcome: 'written' },
  wal: { outcome: 'already', because: 'it is in WAL mode' },
  next: nextSteps(
    initFacts,
    propose(initFacts),
    { node: '/usr/bin/node', script: '/genesis-dr.js' },
    { name: 'genesis-dr-bot', halt: null },
  ),
}

/** Everything is well here, and every request is noted in `calls`. */
function wellParts(calls: (readonly [string, unknown])[]): Parts {
  const noted =
    <Request, Answer>(verb: string, answer: Answer) =>
    async (request?: Request): Promise<Answer> => {
      calls.push([verb, request])
      return answer
    }
  const trading = { outcome: 'done' as const, because: 'systemd unit genesis-trading is stopped', notProven: [], dryRun: false }
  return {
    runbooks: [databaseCorruption],
    replicate: noted('replicate', { timeline: '00000001', txid: 17, lastCommitMs: 0, complete: true, because: 'everything is copied' }),
    agent: noted('agent', { timeline: '00000001', txid: 17, lastCommitMs: 0, complete: true, because: 'everything is copied' }),
    recover: noted('recover', { ended: 'done' as const, report }),
    accept: noted('accept', {
      timeline: '00000001',
      because: 'the database goes on without what timeline 00000001 has after 0000000000000011; it stays in the replica',
    }),
    backupStatus: noted('backupStatus', backup),
    replicationStatus: noted('replicationStatus', replication),
    status: noted('status', status),
    validate: noted('validate', validated),
    stopTrading: noted('stopTrading', trading),
    resumeTrading: noted('resumeTrading', trading),
    execute: noted('execute', { ended: 'done' as const, result }),
    drill: noted('drill', { ...result, mode: 'drill' as const, seed: 42, faults: ['header'], teardown: { clean: true, left: [] } }),
    runs: noted('runs', [run]),
    runShow: noted('runShow', { ...run, detectedBecause: 'a person started it', options: {}, steps: result.steps, result }),
    init: noted('init', initOutcome),
    runbook: noted('runbook', '# Disaster Recovery Runbook\n'),
  }
}

/** Goes on only by `pass`; whoever sleeps wakes when its time has come, or its signal aborts. */
export function handClock(): Clock & { pass(ms: number): Promise<void> } {
  let now = 0
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()
  return {
    wallMs: () => 1_735_732_800_000 + now,
    monotonicMs: () => now,
    sleep: (ms, signal) =>
      new Promise((wake) => {
        const sleeper = { atMs: now + ms, wake: () => wake() }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => wake())
        if (signal?.aborted === true) wake()
      }),
    pass: async (ms) => {
      now += ms
      for (const sleeper of sleepers) if (sleeper.atMs <= now && sleepers.delete(sleeper)) sleeper.wake()
      // Whoever woke runs until it sleeps again.
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    },
  }
}

export interface ShellOptions {
  readonly parts?: Partial<Parts>
  /** What the person types, line by line; null: nobody is there. After the last line there is no more input. */
  readonly answers?: readonly string[] | null
  /** Text of the configuration file. */
  readonly config?: string
  readonly palette?: Palette
  readonly columns?: number
  /** stdout is a terminal. */
  readonly live?: boolean
  readonly debug?: boolean
  /** What was typed before the first word. */
  readonly program?: string
  readonly signal?: AbortSignal
}

export interface Screen {
  readonly exit: number
  readonly out: string
  readonly errors: string
  readonly asked: readonly string[]
  /** Verbs of the system that were called, with what. */
  readonly calls: readonly (readonly [string, unknown])[]
  readonly flags: readonly ConfigFlags[]
}

export function terminalInMemory({ palette = plainPalette, columns = 100, live = false }: ShellOptions = {}) {
  const screen = { out: '', errors: '' }
  const terminal: Terminal = {
    live,
    palette,
    errorPalette: palette,
    columns: () => columns,
    errorColumns: () => (live ? columns : null),
    write: (text) => {
      screen.out += text
    },
    writeError: (text) => {
      screen.errors += text
    },
  }
  return { screen, terminal }
}

/** Types one command line, and shows what came of it. */
export async function type(line: readonly string[], options: ShellOptions = {}): Promise<Screen> {
  const { screen, terminal } = terminalInMemory(options)
  const asked: string[] = []
  const calls: (readonly [string, unknown])[] = []
  const flags: ConfigFlags[] = []
  const { answers = null } = options
  let answered = 0
  const surroundings: Surroundings = {
    terminal,
    interruption: { signal: options.signal ?? new AbortController().signal },
    clock: handClock(),
    ask:
      answers === null
        ? null
        : async (question) => {
            asked.push(question)
            return answers[answered++] ?? null
          },
    resolve: (path) => resolve('/desk', path),
    user: 'ada',
    version: '1.2.3',
    program: options.program ?? 'genesis-dr',
    debug: options.debug ?? false,
    readConfig: (given) => {
      flags.push(given)
      const file = { path: '/desk/genesis-dr.yaml', text: options.config ?? 'name: genesis\nreplica: file:/replica\n' }
      const own = { database: given.database ?? undefined, replica: given.replica ?? undefined }
      const paths = {
        resolve,
        dirname: () => '/desk',
        basename: () => 'genesis.db',
        realFile: (path: string) => path,
        workingFolder: '/desk',
      }
      return readConfig({ file, flags: own, environment: {}, ...paths })
    },
    composeParts: () => ({ ...wellParts(calls), ...options.parts }),
  }
  const exit = await runProgram(line, surroundings)
  return { exit, ...screen, asked, calls, flags }
}

const eraseLine = '\r\u001b[K'

/** What a screen shows, in lines, when all of this was written to it. */
export function onScreen(written: string): readonly string[] {
  return written.split('\n').map((line) => line.split(eraseLine).at(-1) ?? '')
}
