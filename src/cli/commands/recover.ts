/** `recover`: point-in-time recovery, into a file or in place. */
import type { PointTarget } from '../../runbook/choose-point.ts'
import type { RecoverReport } from '../../runbook/recover.ts'
import { exitOf } from '../../runbook/result.ts'
import { counted, formatBytes, formatDuration, isoTime } from '../../units.ts'
import { command, show } from '../command.ts'
import { type ArgsOf, flag, text, time, timelineNumber, txid, usage } from '../options.ts'
import type { Palette } from '../render/palette.ts'
import { resultTable } from '../render/result-table.ts'
import { type Fact, factList } from '../render/table.ts'
import { timeline } from '../render/timeline.ts'

const options = {
  timestamp: time('T', 'the newest restore point not after this ISO 8601 time; UTC where it has no zone'),
  txid: txid('N', 'exactly this restore point'),
  lastGood: flag('the newest restore point that passes all checks'),
  timeline: timelineNumber('HEX', 'on this timeline instead of the newest and its ancestors'),
  output: text('FILE', 'restore into this new file; the database is not touched'),
  dryRun: flag('look, say what would be done, and change nothing'),
  full: flag('check with integrity_check instead of quick_check; about ten times slower'),
}

export const recover = command({
  name: 'recover',
  summary: 'point-in-time recovery, into a new file or in place of the database',
  about:
    'Without a point: the newest. In place, nobody but the capture may have the database open; the former database is set aside as evidence ' +
    'before anything takes its name. It never touches the exchange.',
  changes: 'live',
  options,
  examples: [
    { line: 'recover --output /tmp/look.db', does: 'the newest restore point, as a file to look at' },
    { line: 'recover --timestamp "2025-01-01T12:00:00" --yes genesis', does: 'the database goes back to noon, UTC' },
    { line: 'recover --last-good --dry-run', does: 'says what would be done' },
  ],
  json: '{ output, timeline, txid, timestamp, pages, sizeBytes, filesRead, bytesRead, durationMs, verified, dryRun, notes, next, ... }; the run as `execute` shows it, where a recovery in place failed',
  confirms: (args) => {
    targetOf(args)
    return args.output === null && !args.dryRun ? 'replace the database with a restored one' : null
  },
  run: async (args, world) => {
    const target = targetOf(args)
    const shown = timeline(world, null)
    if (args.timestamp?.zoneAssumed === true) {
      shown.onEvent({ type: 'note', text: `the time has no zone, and is read as UTC: ${isoTime(args.timestamp.epochMs)}`, elapsedMs: null })
    }
    const request = {
      target,
      timeline: args.timeline,
      output: args.output === null ? null : world.resolve(args.output),
      dryRun: args.dryRun,
      full: args.full,
    }
    const outcome = await world.parts.recover({ ...request, onEvent: shown.onEvent, signal: world.interruption.signal }).finally(shown.end)
    if (outcome.ended === 'paused') {
      show(world, { runId: outcome.runId, state: 'paused' }, () => 'paused; the same command goes on with it')
      return 130
    }
    if (outcome.ended === 'failed') {
      show(world, outcome.result, (palette, columns) => resultTable(outcome.result, palette, columns))
      return exitOf(outcome.result)
    }
    show(world, outcome.report, (palette, columns) => reportText(outcome.report, palette, columns))
    return 0
  },
})

function targetOf({ timestamp, txid: number, lastGood }: ArgsOf<typeof options>): PointTarget {
  if ([timestamp !== null, number !== null, lastGood].filter(Boolean).length > 1) {
    throw usage('more than one restore point was asked for', 'Give one of --timestamp, --txid, --last-good.')
  }
  if (lastGood) return { kind: 'last-good' }
  if (number !== null) return { kind: 'txid', txid: number }
  return timestamp === null ? { kind: 'latest' } : { kind: 'time', epochMs: timestamp.epochMs }
}

function reportText(report: RecoverReport, palette: Palette, columns: number): string {
  const { dryRun, output, txid: number, timestamp } = report
  const headline = dryRun
    ? `would restore ${number} of ${timestamp} to ${output}`
    : palette.good(`${output} is the database of ${timestamp}`)
  const facts: Fact[] = [
    {
      label: 'txid',
      value: `${number}, ${report.timeline === null ? 'of a replica that Litestream wrote' : `timeline ${report.timeline}`}`,
    },
    { label: 'size', value: dryRun ? null : `${formatBytes(report.sizeBytes)}, ${counted(report.pages, 'page')}` },
    {
      label: 'read',
      value: `${counted(report.filesRead, 'file')}, ${formatBytes(report.bytesRead)}, in ${formatDuration(report.durationMs)}`,
    },
    { label: 'verified', value: dryRun ? 'nothing: a dry run' : report.verified.join('; ') },
    { label: 'before', value: report.evidence === undefined ? null : `the former database is in ${report.evidence}` },
    ...report.notes.map((note, at) => ({ label: at === 0 ? 'note' : '', value: note })),
    { label: 'next', value: report.next },
  ]
  return `${palette.bold(headline)}\n\n${factList(facts, palette, columns)}`
}
