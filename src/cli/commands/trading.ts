/** `stop-trading` and `resume-trading`: the mission's first immediate action, alone, and its end. */
import type { TradingReport } from '../../runbook/trading.ts'
import { command, show, type World } from '../command.ts'
import type { ExitStatus } from '../exit-status.ts'
import { flag } from '../options.ts'
import { outcomeWord } from '../render/outcome-word.ts'

const json = '{ outcome, because, notProven, dryRun }'

export const stopTrading = command({
  name: 'stop-trading',
  summary: 'stops the bot, and proves that it is stopped',
  about:
    'Sets the halt latch, which survives a reboot; stops the service, by force after its timeout; and waits until no process but the capture has the ' +
    'database open. Open positions and orders at the exchange stay as they are.',
  changes: 'live',
  options: { dryRun: flag('look, say what would be done, and change nothing') },
  examples: [
    { line: 'stop-trading', does: 'asks for the name of the system, then stops' },
    { line: 'stop-trading --yes genesis', does: 'from a script' },
  ],
  json,
  exits: { 3: 'told to stop, but it is not proven that it has' },
  confirms: ({ dryRun }) => (dryRun ? null : 'stop trading'),
  run: async ({ dryRun }, world) => told(world, await world.parts.stopTrading({ dryRun, by: world.user })),
})

export const resumeTrading = command({
  name: 'resume-trading',
  summary: 'removes the halt latch and starts the bot',
  about: 'Refused while a run is not finished, and while there is no database. Waits until the bot has the database open.',
  changes: 'live',
  options: {},
  examples: [{ line: 'resume-trading', does: 'asks for the name of the system, then starts' }],
  json,
  confirms: () => 'start trading',
  run: async (_args, world) => told(world, await world.parts.resumeTrading({ by: world.user })),
})

function told(world: World, report: TradingReport): ExitStatus {
  show(world, report, (palette) => {
    const rest = report.notProven.length === 0 ? '' : `\n${palette.warn('not proven')}: ${report.notProven.join(', ')}`
    return `${report.dryRun ? 'dry run' : outcomeWord(report.outcome, palette)}  ${report.because}${rest}`
  })
  return report.outcome === 'failed' ? 1 : report.outcome === 'unknown' ? 3 : 0
}
