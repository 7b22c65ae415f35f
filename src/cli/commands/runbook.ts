/** `runbook`: the runbook, from the same data that is executed. */
import { command, show } from '../command.ts'

export const runbook = command({
  name: 'runbook',
  summary: 'the runbook as a page, from the same data that is executed',
  about: 'Detection, immediate actions, recovery, validation and commands of every scenario of this version, as Markdown.',
  changes: 'nothing',
  options: {},
  examples: [{ line: 'runbook > runbook.md', does: 'with the contacts and links of your configuration' }],
  json: '{ markdown }',
  run: async (_args, world) => {
    const markdown = await world.parts.runbook()
    show(world, { markdown }, () => markdown.trimEnd())
    return 0
  },
})
