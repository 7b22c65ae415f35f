/** `drill`: plays the disaster on an isolated copy and measures it. */
import { type DamageKind, damageKindNames } from '../../drill/damage.ts'
import { exitOf, type RunResult } from '../../runbook/result.ts'
import { laterScenarios, scenarioNames } from '../../scenario-names.ts'
import { command, show, type World } from '../command.ts'
import type { ExitStatus } from '../exit-status.ts'
import { choice, flag, usage, wholeNumber } from '../options.ts'
import { resultTable } from '../render/result-table.ts'
import { timeline } from '../render/timeline.ts'

export const drill = command({
  name: 'drill',
  summary: 'plays the disaster on an isolated copy and measures it',
  about:
    'A bot trades on a database of its own in a temporary folder, its continuous copy runs, the file is really damaged, and the runbook ' +
    "recovers it. What was lost is measured against the bot's own list of what it was told is committed. Nothing of the real system is touched.",
  changes: 'nothing',
  options: {
    scenario: choice('S', 'scenario', scenarioNames, 'which disaster', laterScenarios),
    all: flag('every scenario of this version, one after the other'),
    damage: choice('KIND', 'damage', damageKindNames, 'how the file is damaged'),
    seed: wholeNumber('N', 'the chance of this drill: the same seed chooses the same damage and the same trades'),
  },
  examples: [
    { line: 'drill --scenario DATABASE_CORRUPTION', does: 'one drill; the seed is chosen and printed' },
    { line: 'drill --scenario DATABASE_CORRUPTION --damage deleted-wal', does: 'the log is deleted under the bot' },
    { line: 'drill --all --json', does: 'all, as an array of results' },
  ],
  json: 'The result as `execute` prints it, with seed, faults and teardown; an array with --all.',
  run: async ({ scenario, all, damage, seed }, world) => {
    if (all === (scenario !== null)) throw usage('it is not said which scenario to play', `Add --scenario ${scenarioNames[0]}, or --all.`)
    const results: RunResult[] = []
    for (const each of all ? scenarioNames : [scenario ?? scenarioNames[0]]) results.push(await play(world, each, damage, seed))
    show(world, all ? results : results[0], (palette, columns) =>
      results.map((result) => resultTable(result, palette, columns)).join('\n\n'),
    )
    return world.interruption.signal.aborted ? 130 : worstOf(results.map(exitOf))
  },
})

async function play(
  { parts, interruption, ...screen }: World,
  scenario: string,
  damage: DamageKind | null,
  seed: number | null,
): Promise<RunResult> {
  const runbook = parts.runbooks.find((one) => one.scenario === scenario)
  const shown = timeline(screen, runbook?.rto ?? null)
  return parts.drill({ scenario, seed, damage, onEvent: shown.onEvent, signal: interruption.signal }).finally(shown.end)
}

/** What failed counts more than a missed target. */
function worstOf(statuses: readonly ExitStatus[]): ExitStatus {
  const failed = statuses.filter((status) => status !== 0 && status !== 5)
  return failed[0] ?? (statuses.includes(5) ? 5 : 0)
}
