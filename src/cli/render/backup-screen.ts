/** What can be restored, as a screen. Pure. */
import type { BackupStatus } from '../../status/backup-status.ts'
import { counted, formatBytes, formatDuration } from '../../units.ts'
import type { Palette } from './palette.ts'
import { notKnown } from './status-screen.ts'
import { type Fact, factList, table } from './table.ts'
import { hanging } from './text.ts'

export function backupScreen(status: BackupStatus, palette: Palette, columns: number): string {
  const { earliest, latest, txid } = status
  const window = earliest === null ? 'no restore point' : `${counted(status.points, 'restore point')} from ${earliest} to ${latest}`
  const facts: Fact[] = [
    { label: 'database', value: status.database },
    { label: 'replica', value: `${status.replica} (${formatBytes(status.sizeBytes)}, written by ${status.writtenBy})` },
    { label: 'newest', value: txid === null ? 'none' : `${txid}, ${formatDuration(status.ageMs ?? 0)} old` },
    { label: 'lag', value: status.lagMs === null ? `${notKnown}: no capture runs` : formatDuration(status.lagMs) },
    {
      label: 'proven',
      value: status.verifiedAt === null ? 'never: run genesis-dr validate' : `${status.verifiedTxid} at ${status.verifiedAt}`,
    },
  ]
  const damaged = status.damaged.map((one) => hanging(`  ${palette.bad('DAMAGED')}  `, one, columns)).join('\n')
  const blocks = [hanging('', window, columns, palette.bold), factList(facts, palette, columns), timelines(status, palette), damaged]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function timelines(status: BackupStatus, palette: Palette): string {
  if (status.timelines.length === 0) return ''
  const rows = status.timelines.map((one) => [
    one.timeline ?? '-',
    one.parent === null ? 'the beginning' : `${one.parent} at ${one.forkTxid}`,
    `${one.points}`,
    one.latestTxid ?? '-',
    troubleOf(one, palette),
  ])
  return table([['timeline', 'forks from', 'points', 'newest', ''].map(palette.dim), ...rows])
}

function troubleOf({ complete, beyondGapTxid }: BackupStatus['timelines'][number], palette: Palette): string {
  if (!complete) return palette.bad('not complete: a restore uses its parent')
  return beyondGapTxid === null ? '' : palette.bad(`GAP: files are missing after it, and those up to ${beyondGapTxid} cannot be used`)
}
