/** What a run came to: recovered or not, what is not proven, and the measured times and losses against their targets. Pure. */
import type { RunResult } from '../../runbook/result.ts'
import { counted, formatDuration, minutes } from '../../units.ts'
import type { Palette } from './palette.ts'
import { table } from './table.ts'
import { hanging } from './text.ts'

/** Chosen: four ids are enough to look for; all are in the JSON. */
const idsShown = 4

export function resultTable(result: RunResult, palette: Palette, columns: number): string {
  const paint = result.mode === 'dry-run' ? palette.bold : result.success ? palette.good : palette.bad
  const lines = [
    hanging('', result.because, columns, (line) => palette.bold(paint(line))),
    '',
    ...(result.mode === 'dry-run' ? [] : [table(measures(result, palette)), '']),
    ...notes(result, palette).map(([label, value]) => hanging(`  ${label}: `, value, columns, undefined, 4)),
  ]
  return lines.join('\n').trimEnd()
}

function measures(result: RunResult, palette: Palette): readonly (readonly string[])[] {
  const { lostTransactions, lostOrders } = result
  return [
    ['', 'measured', 'target', ''].map(palette.dim),
    ['recovery time (RTO)', time(result.recoveryTimeMs), formatDuration(minutes(result.rtoTargetMinutes)), met(result.rtoMet, palette)],
    [
      'data loss (RPO)',
      result.dataLossMs === 0 ? 'none' : time(result.dataLossMs),
      formatDuration(minutes(result.rpoTargetMinutes)),
      met(result.rpoMet, palette),
    ],
    ['transactions lost', count(lostTransactions), '', lostTransactions === null ? notMeasured : ''],
    ['orders lost', count(lostOrders?.length ?? null), '', lostOrders === null ? notMeasured : ids(lostOrders)],
  ]
}

const notMeasured = 'not measured'
const time = (ms: number | null): string => (ms === null ? '-' : formatDuration(ms))
const count = (value: number | null): string => (value === null ? '-' : `${value}`)

function met(value: boolean | null, palette: Palette): string {
  if (value === null) return notMeasured
  return value ? palette.good('met') : palette.bad('MISSED')
}

function ids(orders: readonly string[]): string {
  return orders.length > idsShown ? `${orders.slice(0, idsShown).join(', ')}, ...` : orders.join(', ')
}

function notes(result: RunResult, palette: Palette): readonly (readonly [string, string])[] {
  const { validation, notProven, teardown, seed, faults, scenario, mode, runId } = result
  const having = (outcome: string) => validation.filter((one) => one.outcome === outcome)
  const failed = having('fail')
  const checks = `${having('pass').length} passed, ${failed.length} failed, ${having('not-configured').length} not configured`
  return [
    ...(validation.length === 0 ? [] : [['checks', checks] as const]),
    ...failed.map((one) => [palette.bad('FAILED'), `${one.check}: ${one.observed} instead of ${one.expected}`] as const),
    ...(notProven.length === 0 ? [] : [[palette.warn('not proven'), notProven.join(', ')] as const]),
    ...(teardown === undefined
      ? []
      : [
          [
            'teardown',
            teardown.clean
              ? 'clean: no process and no file is left'
              : `left behind: ${counted(teardown.left.length, 'thing')}: ${teardown.left.join(', ')}`,
          ] as const,
        ]),
    ...(seed === undefined
      ? []
      : [['play it again', `genesis-dr drill --scenario ${scenario} --damage ${faults?.[0] ?? ''} --seed ${seed}`] as const]),
    ...(mode === 'live' ? [['the whole record', `genesis-dr runs show ${runId}`] as const] : []),
  ]
}
