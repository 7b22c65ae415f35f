/** `execute`: runs a scenario's runbook. */
import { undoText } from '../../runbook/document.ts'
import { exitOf } from '../../runbook/result.ts'
import type { Step } from '../../runbook/runbook.ts'
import { commandOf } from '../../runbook/scenarios/runbook-of.ts'
import { laterScenarios, scenarioNames } from '../../scenario-names.ts'
import type { Approval } from '../../workflow/run.ts'
import { type Ask, command, show, type World } from '../command.ts'
import { choice, flag, timelineNumber, usage } from '../options.ts'
import { resultTable } from '../render/result-table.ts'
import { factList } from '../render/table.ts'
import { timeline as renderTimeline } from '../render/timeline.ts'

export const execute = command({
  name: 'execute',
  summary: "runs a scenario's runbook",
  about:
    'Stops the bot, keeps the evidence, restores, proves and resumes, each step announced in the journal before it acts. ' +
    'If the process dies, the same command goes on with the run. Ctrl-C once finishes the step and pauses; twice stops at once.',
  changes: 'live',
  options: {
    scenario: choice('S', 'scenario', scenarioNames, 'which runbook', laterScenarios),
    timeline: timelineNumber('HEX', 'the last good state of this timeline, where the database went back in time and lacks what is there'),
    dryRun: flag('look through every step, and change nothing'),
    manual: flag('ask at each step'),
  },
  examples: [
    { line: 'execute --scenario DATABASE_CORRUPTION --dry-run', does: 'looks through every step' },
    { line: 'execute --scenario DATABASE_CORRUPTION', does: 'recovers; asks for the name of the system first' },
    { line: 'execute --scenario DATABASE_CORRUPTION --yes genesis --json', does: 'the same, from a script' },
  ],
  json: 'The result of the run: { runId, scenario, mode, success, because, notProven, recoveryTimeMs, rtoMet, dataLossMs, lostTransactions, rpoMet, steps, validation, ... }',
  confirms: ({ dryRun, scenario }) => (dryRun || scenario === null ? null : `stop trading and run ${scenario}`),
  run: async ({ scenario, timeline, dryRun, manual }, world) => {
    if (scenario === null) throw usage('no scenario was named', `Add --scenario ${scenarioNames[0]}.`)
    const { ask, parts, interruption } = world
    const runbook = parts.runbooks.find((one) => one.scenario === scenario)
    if (manual && !dryRun && ask === null)
      throw usage('--manual asks at each step, and nobody is there to be asked', 'Run it on a terminal, or without --manual.')
    const shown = renderTimeline(world, dryRun ? null : (runbook?.rto ?? null))
    const approve = (step: Step): Promise<Approval> => (manual && ask !== null ? askStep(world, ask, step) : Promise.resolve({ do: 'run' }))
    const outcome = await parts
      .execute({ scenario, timeline, dryRun, approve, onEvent: shown.onEvent, signal: interruption.signal })
      .finally(shown.end)
    if (outcome.ended === 'paused') {
      show(
        world,
        { runId: outcome.runId, scenario, state: 'paused' },
        () => `paused; go on with: ${commandOf(scenario, timeline === null ? {} : { timeline })}`,
      )
      return 130
    }
    show(world, outcome.result, (palette, columns) => resultTable(outcome.result, palette, columns))
    return exitOf(outcome.result)
  },
})

async function askStep({ terminal }: World, ask: Ask, step: Step): Promise<Approval> {
  const { errorPalette: palette } = terminal
  const facts = [
    { label: 'does', value: step.does },
    { label: 'repeating', value: `${step.effect.because} (${step.effect.kind})` },
    { label: 'undo', value: undoText(step.undo) },
  ]
  terminal.writeError(`\n${palette.bold(step.name)}: ${step.title}\n${factList(facts, palette, terminal.columns())}\n`)
  for (;;) {
    const answer =
      (await ask(`  run, skip REASON${step.optional === true ? '' : ' (then the run proves no recovery)'}, or abort? `))?.trim() ?? 'abort'
    if (answer === 'run' || answer === 'r') return { do: 'run' }
    if (answer === 'abort' || answer === 'a') return { do: 'abort', because: 'at the prompt' }
    const reason = /^s(?:kip)?\s+(.+)$/.exec(answer)?.[1]
    if (reason !== undefined) return { do: 'skip', because: reason }
    terminal.writeError('  Answer "run", "skip" with a reason, or "abort".\n')
  }
}
