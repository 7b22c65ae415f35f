/** `validate`: is what we have restorable now. */
import type { ValidateReport } from '../../runbook/validate.ts'
import { formatDuration } from '../../units.ts'
import { command, show } from '../command.ts'
import { flag, text } from '../options.ts'
import { outcomeWord } from '../render/outcome-word.ts'
import { type Palette, plainPalette } from '../render/palette.ts'
import { factList } from '../render/table.ts'

export const validate = command({
  name: 'validate',
  summary: 'is what we have restorable now',
  about:
    'Drains the capture, restores the newest point to a scratch file, checks it whole (every file, the rolling checksum, SQLite, every table, ' +
    'your checks) and removes it. The database itself is only read.',
  changes: 'nothing',
  options: {
    run: text('ID', "that run's checks, again, on the database as it is now"),
    full: flag('integrity_check instead of quick_check; about ten times slower'),
  },
  examples: [
    { line: 'validate', does: 'proves that the newest point can be restored' },
    { line: 'validate --run 20250101-120000-482a1', does: 'the checks of that run, again' },
  ],
  json: '{ success, because, timeline, txid, timestamp, durationMs, validation: [{ check, outcome, observed, expected }], notProven }',
  exits: { 5: 'restored, and a check fails' },
  run: async ({ run, full }, world) => {
    const report = await world.parts.validate({ runId: run, full })
    show(world, report, (palette, columns) => reportText(report, palette, columns))
    return report.success ? 0 : 5
  },
})

function reportText(report: ValidateReport, palette: Palette, columns: number): string {
  const paint = report.success ? palette.good : palette.bad
  const facts = report.validation.map(({ check, outcome, observed, expected }) => ({
    label: check,
    value: `${outcomeWord(outcome, plainPalette)}: ${outcome === 'fail' ? `${observed} instead of ${expected}` : observed}`,
    paint: outcome === 'pass' ? plainPalette.good : outcome === 'fail' ? palette.bad : palette.warn,
  }))
  const lines = [
    paint(palette.bold(report.because)),
    '',
    factList(facts, palette, columns),
    '',
    `  took ${formatDuration(report.durationMs)}`,
    ...(report.notProven.length === 0 ? [] : [`  ${palette.warn('not proven')}: ${report.notProven.join(', ')}`]),
  ]
  return lines.join('\n')
}
