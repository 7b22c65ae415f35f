/** Readiness on one screen: one value, with what is not known shown as not known. Reads only. */
import { formatTxid } from '../ltx/txid.ts'
import type { AgentRecord } from '../ports/agent-state.ts'
import type { LatchFacts } from '../ports/halt-latch.ts'
import type { Holder } from '../ports/open-files.ts'
import type { ServiceState } from '../ports/service.ts'
import { type OlderFacts, olderText } from '../replication/capture-event.ts'
import type { BotWords } from '../runbook/bot-words.ts'
import { listed } from '../runbook/holders.ts'
import { shellWord } from '../shell-word.ts'
import { counted, formatDuration, isoTime } from '../units.ts'
import type { BackupStatus, Proof } from './backup-status.ts'
import type { ReplicationStatus } from './replication-status.ts'
import type { RunSummary } from './runs.ts'
import { hasWalResetBug } from './wal-reset-bug.ts'

export interface Status {
  /** The one answer: what would happen if this host died now, or what of it is not known. */
  readonly headline: string
  readonly ready: boolean
  /** Why it is not, most urgent first. */
  readonly concerns: readonly string[]
  readonly system: string
  /** `journal` null: there is none, or that is not known. */
  readonly database: { readonly path: string; readonly exists: boolean; readonly journal: DatabaseJournal | null }
  readonly service: { readonly description: string; readonly running: 'yes' | 'no' | 'unknown'; readonly because: string } | null
  readonly halt: { readonly holder: string; readonly reason: string; readonly since: string } | null
  readonly replication: ReplicationStatus
  readonly backup: BackupStatus
  readonly lastRun: RunSummary | null
  /** What the replica has that the database lacks, and nobody has decided on, oldest first. */
  readonly older: readonly OlderFacts[]
  /** What needs a person some time, and does not make it less ready. */
  readonly worthKnowing: readonly string[]
  /** The SQLite of each process that has the database open, beside the capture; `version` null: not known. null: it cannot be told who has. */
  readonly botSqlite: readonly ProcessSqlite[] | null
  /** Who looks for damage by itself, and what it saw last; null: nobody does. */
  readonly agent: WatchStatus | null
  readonly notConfigured: readonly string[]
}

/** By the first bytes of the file. */
export type DatabaseJournal = 'wal' | 'rollback' | 'not SQLite'

export interface WatchStatus {
  readonly pid: number
  /** null: it has not looked yet. */
  readonly lookedAt: string | null
  readonly ageMs: number | null
  /** Damage that it saw, and what it could not tell; empty: nothing of it. */
  readonly found: string
  readonly untold: string
}

export interface ProcessSqlite extends Holder {
  readonly version: string | null
}

export interface StatusFacts {
  readonly system: string
  readonly database: Status['database']
  readonly service: { readonly description: string; readonly state: ServiceState; readonly caveat?: string | undefined } | null
  /** What the bot says in its present life; null: no service is configured. */
  readonly words: BotWords | null
  readonly latch: LatchFacts | null
  /** What would start the bot past a standing latch, with what to do about it; null: nothing that is known. */
  readonly latchGap: string | null
  readonly replication: ReplicationStatus
  readonly backup: BackupStatus
  readonly lastRun: RunSummary | null
  /** What the replica has that the database lacks, and nobody has decided on, oldest first. */
  readonly older: readonly OlderFacts[]
  /** Path of the database that the replica is a copy of, where that is another one; null: it is of this one, as far as known. */
  readonly replicaOf: string | null
  readonly botSqlite: readonly ProcessSqlite[] | null
  /** The agent that lives now, with its record; null: none does. */
  readonly agent: AgentRecord | null
  /** The file of the settings, and when it was written last; null: there is none, so that nobody knows where an agent would leave its record. */
  readonly configuration: { readonly changedAtMs: number | null } | null
  readonly notifiers: number
  readonly nowMs: number
}

/** Pure. */
export function statusOf(facts: StatusFacts): Status {
  const { replication, backup, latch, service, words } = facts
  const concerns = concernsOf(facts)
  return {
    headline: headlineOf(facts),
    ready: concerns.length === 0,
    concerns,
    system: facts.system,
    database: facts.database,
    service: service === null ? null : { description: service.description, running: service.state.running, because: service.state.because },
    halt: latch === null ? null : { holder: latch.holder, reason: latch.reason, since: isoTime(latch.setAtMs) },
    replication,
    backup,
    lastRun: facts.lastRun,
    older: facts.older,
    worthKnowing: worthKnowing(facts),
    botSqlite: facts.botSqlite,
    agent: facts.agent === null ? null : watchOf(facts.agent, facts.nowMs),
    notConfigured: [
      ...(service === null ? ['service: the bot is stopped and started by hand'] : []),
      ...(service?.caveat === undefined ? [] : [`service: ${service.caveat}`]),
      ...(words === null || words.untold === null ? [] : [`log: ${words.untold}`]),
      ...(facts.notifiers === 0 ? ['notify: nobody is told'] : []),
      ...(facts.agent === null ? [unwatched(facts)] : []),
      'exchange: the third ledger is not compared in this version',
    ],
  }
}

function unwatched({ configuration }: StatusFacts): string {
  return configuration === null
    ? 'watch: whether an agent runs is not known without its configuration (--config)'
    : 'watch: no agent runs, so that nothing looks for damage by itself (genesis-dr agent)'
}

/** Commits of a bot that nobody watched look the same as an old file that was put in the place of a newer one, and was written to since. */
function unwatchedChanges({ unproven }: ReplicationStatus): readonly string[] {
  if (unproven === null) return []
  const before = formatTxid(Math.max(1, Number.parseInt(unproven.txid, 16) - 1))
  const what = `${counted(unproven.pages, 'page')} changed while no capture watched, by commits or because an older file took the place of a newer one`
  return [
    `${what}; if it was the latter, what is lacking now is in restore point ${before}: genesis-dr recover --txid ${before} --output FILE`,
  ]
}

/** What a person may want to mend, and what no recovery depends on. */
function worthKnowing({ botSqlite, agent, configuration, replication }: StatusFacts): readonly string[] {
  const changed = agent !== null && (configuration?.changedAtMs ?? 0) > agent.startedAtMs
  const stale = 'the configuration was changed after the agent began, which goes on by what it said then: restart the agent'
  const old = (botSqlite ?? []).flatMap(({ pid, command, version }) =>
    version === null || !hasWalResetBug(version)
      ? []
      : [
          `process ${pid} (${command}) uses SQLite ${version}, which can lose commits when two checkpoints and a commit meet (the WAL-reset bug, mended in 3.51.3): update it`,
        ],
  )
  return [...(changed ? [stale] : []), ...unwatchedChanges(replication), ...old]
}

function watchOf({ pid, looked }: AgentRecord, nowMs: number): WatchStatus {
  if (looked === null) return { pid, lookedAt: null, ageMs: null, found: '', untold: '' }
  const { atMs, found, untold } = looked
  return { pid, lookedAt: isoTime(atMs), ageMs: Math.max(0, nowMs - atMs), found, untold }
}

function headlineOf({ replication, backup }: StatusFacts): string {
  if (backup.damaged[0] !== undefined) return `If this host died now: what could be restored is not known; ${backup.damaged[0]}.`
  if (backup.txid === null) return 'If this host died now: nothing could be restored, the replica holds no restore point.'
  if (replication.sameDisk === true)
    return 'If this host died now: nothing could be restored, the replica lies on the same disk as the database.'
  const gap = gapIn(backup)
  if (gap !== null) return `If this host died now: only what is before a gap could be restored; ${gap}.`
  const back =
    backup.proof.state === 'passed' && backup.proof.durationMs !== null
      ? `back in ${formatDuration(backup.proof.durationMs)}`
      : 'how long it takes to come back is not measured (run: genesis-dr validate)'
  const lost =
    replication.lagMs === null || replication.pending === null
      ? `what would be lost is not known${backup.ageMs === null ? '' : ` (the newest copy is ${formatDuration(backup.ageMs)} old)`}`
      : replication.pending === 0
        ? 'nothing that was copied is missing'
        : `${replication.pending} transactions (${formatDuration(replication.lagMs)}) lost`
  return `If this host died now: ${back}, ${lost}, ${provenText(backup.proof)}.`
}

function provenText({ state, ageMs }: Proof): string {
  if (state !== 'passed') return 'not proven'
  return ageMs === null ? 'proven, not known when (its time is ahead of the clock)' : `proven ${formatDuration(ageMs)} ago`
}

const proofConcerns: Readonly<Record<Proof['state'], string | null>> = {
  passed: null,
  none: 'no restore was ever proven: run genesis-dr validate',
  failed: 'the last validation failed: run genesis-dr validate',
  gone: 'the restore point that was proven last is not in this replica: run genesis-dr validate',
}

/** Files are missing in the timeline that a restore uses; null: none are. */
function gapIn({ timelines, timeline, txid }: BackupStatus): string | null {
  const beyond = timelines.find((one) => one.timeline === timeline)?.beyondGapTxid ?? null
  return beyond === null
    ? null
    : `files are missing in the replica: what is after ${txid ?? 'its beginning'}, up to ${beyond}, cannot be restored`
}

function concernsOf(facts: StatusFacts): readonly string[] {
  const { replication, backup, database, latch, latchGap, lastRun, service, words } = facts
  const concerns: string[] = []
  if (words !== null && words.damage !== null)
    concerns.push(`the bot says: ${words.damage} (look: genesis-dr execute --scenario DATABASE_CORRUPTION --dry-run)`)
  if (words !== null) concerns.push(...words.troubles)
  if (facts.agent?.looked != null && facts.agent.looked.found !== '') concerns.push(`the agent sees damage: ${facts.agent.looked.found}`)
  concerns.push(...facts.older.map(olderText))
  if (facts.replicaOf !== null)
    concerns.push(
      `the replica is a copy of ${facts.replicaOf}, and nothing says that ${database.path} is the same database: no recovery begins`,
    )
  if (!database.exists) concerns.push(`there is no database at ${database.path}`)
  if (database.journal === 'not SQLite')
    concerns.push(
      `${database.path} does not begin like a SQLite database (look: genesis-dr execute --scenario DATABASE_CORRUPTION --dry-run)`,
    )
  if (database.journal === 'rollback')
    concerns.push(
      `the database is in rollback-journal mode, which keeps no log that could be copied: with the bot stopped, genesis-dr init --db ${shellWord(database.path)} --wal`,
    )
  if (backup.txid === null) concerns.push('the replica holds no restore point')
  for (const because of backup.damaged) concerns.push(because)
  const newest = backup.timelines.at(-1)
  if (newest?.complete === false) concerns.push(`timeline ${newest.timeline} is not complete: a restore uses the newest complete one`)
  const gap = gapIn(backup)
  if (gap !== null) concerns.push(gap)
  // What is in the replica was looked at after the capture had said this.
  if (replication.txid !== null && replication.timeline === backup.timeline && backup.txid !== null && backup.txid < replication.txid)
    concerns.push(`files of the replica are gone: it was written up to ${replication.txid}, and ends at ${backup.txid}`)
  if (replication.trouble !== null) concerns.push(replication.trouble)
  if (replication.sameDisk === true)
    concerns.push('the replica lies on the same disk as the database: it survives corruption, not the loss of this disk')
  const unproven = proofConcerns[backup.proof.state]
  if (unproven !== null) concerns.push(unproven)
  if (lastRun !== null && lastRun.state !== 'done')
    concerns.push(`run ${lastRun.runId} ${lastRun.state === 'failed' ? 'failed' : `is ${lastRun.state}`}: ${lastRun.because}`)
  if (service?.state.concern !== undefined) concerns.push(`${service.description} ${service.state.concern}`)
  if (latchGap !== null) concerns.push(latchGap)
  if (latch !== null) concerns.push(`trading is halted by ${latch.holder}: ${latch.reason}`)
  if (service !== null && service.state.running !== 'yes' && latch === null) {
    const others = service.state.running === 'no' ? (facts.botSqlite ?? []) : []
    const beside =
      others.length > 0 ? `; ${listed(others)} has the database open, and is no process of it: give in "service" what starts the bot` : ''
    concerns.push(`${service.description}: ${service.state.because}${beside}`)
  }
  return concerns
}
