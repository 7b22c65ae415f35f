/** `runs` and `runs show ID`: what was done, from the journals. */
import type { RunDetail, RunSummary } from '../../status/runs.ts'
import { formatDuration } from '../../units.ts'
import { command, show } from '../command.ts'
import { unknownWord, usage } from '../options.ts'
import { outcomeWord } from '../render/outcome-word.ts'
import type { Palette } from '../render/palette.ts'
import { resultTable } from '../render/result-table.ts'
import { table } from '../render/table.ts'
import { hanging, padded } from '../render/text.ts'

export const runs = command({
  name: 'runs',
  summary: 'what was run here, and how it ended',
  about: 'Reads the journals only. A run whose process died is shown as interrupted; the same command goes on with it.',
  changes: 'nothing',
  options: {},
  words: { usage: '[show ID]', most: 2 },
  examples: [
    { line: 'runs', does: 'all, oldest first' },
    { line: 'runs show 20250101-120000-482a1', does: 'its steps and its result' },
  ],
  json: '[{ runId, scenario, mode, state, step, startedAt, endedAt, because }]; of one run also { detectedBecause, options, steps, result }',
  run: async (_args, world, [verb, runId]) => {
    if (verb === undefined) {
      const all = await world.parts.runs()
      show(world, all, (palette, columns) => listing(all, palette, columns))
      return 0
    }
    if (verb !== 'show') throw unknownWord('verb of runs', verb, ['show'])
    if (runId === undefined) throw usage('it is not said which run', 'genesis-dr runs lists their ids.')
    const run = await world.parts.runShow(runId)
    show(world, run, (palette, columns) => detail(run, palette, columns))
    return 0
  },
})

function listing(all: readonly RunSummary[], palette: Palette, columns: number): string {
  if (all.length === 0) return 'no run was ever begun here'
  const rows = table(all.map((one) => [one.runId, one.scenario, one.mode, stateWord(one, palette)])).split('\n')
  return all.map((one, at) => `${rows[at]}\n${hanging('    ', one.because, columns)}`).join('\n')
}

function stateWord({ state }: RunSummary, palette: Palette): string {
  return state === 'done' ? palette.good(state) : state === 'running' ? palette.accent(state) : palette.bad(state)
}

function detail(run: RunDetail, palette: Palette, columns: number): string {
  const lines = run.steps.map((step) => {
    const head = `  ${padded(outcomeWord(step.outcome, palette), 8)}${palette.bold(step.name)} ${palette.dim(formatDuration(step.durationMs))}: `
    return hanging(head, step.because, columns, undefined, 10)
  })
  const end = run.result === null ? `${stateWord(run, palette)}: ${run.because}` : resultTable(run.result, palette, columns)
  return [palette.bold(`${run.runId} ${run.scenario}, ${run.startedAt}`), `  detected: ${run.detectedBecause}`, '', ...lines, '', end].join(
    '\n',
  )
}
