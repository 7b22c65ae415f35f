/** What every --help ends with, and the options that every command has. Pure. */
import type { Command } from './command.ts'
import { type ExitStatus, exitStatuses } from './exit-status.ts'
import { flag, type OptionTable, text } from './options.ts'
import type { Palette } from './render/palette.ts'
import { factList } from './render/table.ts'

const withoutSettings = {
  db: text('FILE', 'the database, instead of the one in the settings'),
  replica: text('URL', 'where its copy is, instead of the one in the settings: file:PATH'),
  json: flag('one JSON value on stdout; everything else goes to stderr'),
}
const common = {
  config: text('FILE', 'settings; without it genesis-dr.yaml of the working directory, if there is one'),
  ...withoutSettings,
}
const live = { ...common, yes: text('NAME', 'the name of the system, instead of typing it when asked') }

export function commonOptions(command: Pick<Command, 'changes' | 'settings'>): typeof withoutSettings & Partial<typeof live> {
  if (command.settings === 'not read') return withoutSettings
  return command.changes === 'live' ? live : common
}

/** Its own first; where it has one of the common options, its own words for it. */
export function optionTableOf(command: Command): OptionTable {
  return { ...command.options, ...commonOptions(command), ...command.options }
}

/** Exit statuses with what they mean for this command. */
export function exitsOf(command: Command | null): readonly (readonly [ExitStatus, string])[] {
  const statuses = [0, 1, 2, 3, 4, 5, 130] as const satisfies readonly ExitStatus[]
  return statuses.map((status) => [status, command?.exits?.[status] ?? exitStatuses[status]])
}

/** Examples and the table of exit statuses. `command` null: of the program itself. `width`: of the screen. */
export function epilogue(command: Command | null, palette: Palette, width: number): string {
  const examples = command === null ? programExamples : command.examples
  const shown = examples.map(({ line, does }) => ({ label: `genesis-dr ${line}`, value: does }))
  const exits = exitsOf(command).map(([status, means]) => ({ label: `${status}`, value: means }))
  const json = command === null ? [] : ['', palette.bold('With --json:'), factList([{ label: '', value: command.json }], palette, width)]
  return [
    '',
    palette.bold('Examples:'),
    factList(shown, palette, width),
    ...json,
    '',
    palette.bold('Exit status:'),
    factList(exits, palette, width),
  ].join('\n')
}

const programExamples = [
  { line: 'drill --scenario DATABASE_CORRUPTION', does: 'see it work, on an isolated copy' },
  { line: 'replicate --db trades.db --replica file:./replica', does: 'protect a database' },
  { line: 'status', does: 'what would happen if this host died now' },
]
