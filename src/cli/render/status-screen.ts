/** Status and replication as screens. Pure. */
import type { ReplicationStatus } from '../../status/replication-status.ts'
import type { Status } from '../../status/status.ts'
import { counted, formatBytes, formatDuration } from '../../units.ts'
import type { Palette } from './palette.ts'
import { type Fact, factList } from './table.ts'
import { hanging } from './text.ts'

export const notKnown = 'not known'

export function statusScreen(status: Status, palette: Palette, columns: number): string {
  const { replication, backup, lastRun, halt, service, database } = status
  const facts: Fact[] = [
    { label: 'system', value: status.system },
    {
      label: 'database',
      value: database.exists ? database.path : `${database.path} (not there)`,
      ...(database.exists ? {} : { paint: palette.bad }),
    },
    { label: 'bot', value: service === null ? 'not configured' : `${service.description}: ${service.because}` },
    { label: 'halted', value: halt === null ? null : `by ${halt.holder} since ${halt.since}: ${halt.reason}`, paint: palette.bad },
    { label: 'copy', value: `${replication.state}: ${replication.because}` },
    { label: 'lag', value: lagOf(replication) },
    { label: 'pages', value: pagesText(replication), ...(replication.pages?.damaged.length ? { paint: palette.bad } : {}) },
    { label: 'unproven', value: unprovenText(replication), paint: palette.warn },
    { label: 'given up', value: gaveUpText(replication), paint: palette.warn },
    { label: 'replica', value: `${backup.replica}, timeline ${backup.timeline ?? 'none'}, ${counted(backup.points, 'restore point')}` },
    {
      label: 'newest point',
      value: backup.txid === null ? 'none' : `${backup.txid} of ${backup.latest} (${formatDuration(backup.ageMs ?? 0)} ago)`,
    },
    { label: 'proven', value: backup.verifiedAt === null ? 'never' : `${backup.verifiedTxid} at ${backup.verifiedAt}` },
    { label: 'watch', value: watchText(status) },
    { label: 'last run', value: lastRun === null ? 'none' : `${lastRun.runId} ${lastRun.scenario}: ${lastRun.state}` },
  ]
  const blocks = [
    hanging('', status.headline, columns, palette.bold),
    factList(facts, palette, columns),
    section('needs attention', status.concerns, palette.bad, columns),
    section('worth knowing', status.worthKnowing, palette.warn, columns),
    section('not configured', status.notConfigured, palette.warn, columns),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function section(title: string, lines: readonly string[], paint: (text: string) => string, columns: number): string {
  return lines.length === 0 ? '' : [`  ${paint(title)}`, ...lines.map((line) => hanging('    - ', line, columns))].join('\n')
}

function watchText({ agent }: Status): string {
  if (agent === null) return 'no agent is known to run'
  if (agent.ageMs === null) return `by the agent (process ${agent.pid}), which has not looked yet`
  const seen =
    agent.found !== '' ? 'it found damage' : agent.untold !== '' ? `not all of it could be told: ${agent.untold}` : 'nothing was found'
  return `watched ${formatDuration(agent.ageMs)} ago by the agent (process ${agent.pid}); ${seen}`
}

/** null, which shows no line: none were, or that is not known. */
function unprovenText({ unproven }: ReplicationStatus): string | null {
  if (unproven === null) return null
  const { pages, at, txid } = unproven
  return `${counted(pages, 'page')} ${pages === 1 ? 'was' : 'were'} taken from the file unproven at ${at} (restore point ${txid}): by commits that nobody watched, or by damage`
}

/** null, which shows no line: it never was. */
function gaveUpText({ gaveUp }: ReplicationStatus): string | null {
  if (gaveUp === null) return null
  const until = gaveUp.until === null ? 'and still' : `until ${gaveUp.until}`
  return `at ${gaveUp.at} ${until}, because ${gaveUp.because}: what was committed meanwhile has no restore points of its own`
}

function pagesText({ pages }: ReplicationStatus): string {
  if (pages === null) return notKnown
  const { reads, ageMs, tookMs, damaged } = pages
  const when = ageMs === null ? 'not all were compared yet' : `all compared ${formatDuration(ageMs)} ago, in ${formatDuration(tookMs ?? 0)}`
  const found = damaged.length === 0 ? 'none is damaged' : `${counted(damaged.length, 'page')} NOT what was committed`
  return `${found}; ${when}${reads === 'direct' ? '' : ' (page cache only)'}`
}

function lagOf({ lagMs, pending }: ReplicationStatus): string {
  return lagMs === null || pending === null ? notKnown : `${formatDuration(lagMs)}, ${counted(pending, 'commit')} waiting`
}

export function replicationScreen(status: ReplicationStatus, palette: Palette, columns: number): string {
  const { continuous, sameDisk, pid } = status
  const facts: Fact[] = [
    { label: 'database', value: status.database },
    { label: 'replica', value: status.replica },
    { label: 'state', value: pid === null ? status.state : `${status.state} (process ${pid})` },
    { label: 'timeline', value: status.timeline ?? notKnown },
    { label: 'txid', value: status.txid ?? notKnown },
    { label: 'lag', value: lagOf(status) },
    { label: 'continuous', ...answer(continuous, 'yes: no commit was missed', 'NO: a commit may have been missed', palette) },
    { label: 'last commit', value: status.lastCommitAt ?? notKnown },
    { label: 'log', value: status.walBytes === null ? notKnown : formatBytes(status.walBytes) },
    { label: 'pages', value: pagesText(status), ...(status.pages?.damaged.length ? { paint: palette.bad } : {}) },
    { label: 'unproven', value: unprovenText(status), paint: palette.warn },
    { label: 'given up', value: gaveUpText(status), paint: palette.warn },
    {
      label: 'disk',
      ...answer(
        sameDisk === null ? null : !sameDisk,
        'another than the database',
        'that of the database: survives corruption, not the loss of this disk',
        palette,
      ),
    },
  ]
  return `${hanging('', status.because, columns, palette.bold)}\n\n${factList(facts, palette, columns)}`
}

function answer(good: boolean | null, yes: string, no: string, palette: Palette): Pick<Fact, 'value' | 'paint'> {
  if (good === null) return { value: notKnown }
  return good ? { value: yes } : { value: no, paint: palette.warn }
}
