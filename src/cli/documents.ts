/** Reference pages from the tables that the program itself works by. Pure. */
import { settings } from '../config.ts'
import { type ErrorKind, errorTable } from '../errors.ts'
import type { Command } from './command.ts'
import { exitStatuses } from './exit-status.ts'
import { exitsOf, optionTableOf } from './help.ts'
import { flagOf, type OptionTable } from './options.ts'

const generated = 'Generated from the source by `npm run docs`.'

export function cliDocument(commands: readonly Command[]): string {
  return page([
    '# Command line',
    generated,
    'In a clone: `npx genesis-dr ...` after `npm ci`. Every command takes `--help`, and `--json` for one JSON value on stdout. A time without a zone is UTC.',
    [
      '| command | what it answers or does |',
      '|---|---|',
      ...commands.map((one) => `| [\`${one.name}\`](#${one.name}) | ${one.summary} |`),
    ],
    '## Exit status',
    ['| status | means |', '|---|---|', ...Object.entries(exitStatuses).map(([status, means]) => `| ${status} | ${means} |`)],
    ...commands.flatMap(commandSection),
  ])
}

function commandSection(command: Command): readonly Block[] {
  const { name, about, words, examples, json, changes } = command
  const own = exitsOf(command).filter(([status]) => command.exits?.[status] !== undefined)
  return [
    `## ${name}`,
    about,
    ['```', `genesis-dr ${name}${words === undefined ? '' : ` ${words.usage}`} [options]`, '```'],
    optionTable(optionTableOf(command)),
    ...(changes === 'live'
      ? ['It changes something live: the name of the system is typed when asked, or given with `--yes`; otherwise it ends with 4.']
      : []),
    ['```bash', ...examples.map(({ line, does }) => `genesis-dr ${line}   # ${does}`), '```'],
    `With \`--json\`: ${json}`,
    ...(own.length === 0 ? [] : [`Exit status here: ${own.map(([status, means]) => `${status}, ${means}`).join('; ')}.`]),
  ]
}

function optionTable(options: OptionTable): Block {
  const rows = Object.entries(options).map(
    ([name, { value, help }]) => `| \`${flagOf(name)}${value === null ? '' : ` ${value}`}\` | ${help} |`,
  )
  return ['| option | |', '|---|---|', ...rows]
}

export function configDocument(): string {
  return page([
    '# Settings',
    generated,
    'They stand in `genesis-dr.yaml` of the working directory, or where `--config` says. Relative paths count from the folder of that file. Flags win over the file. A key that is not known is refused, with its line and the nearest known one. Without a file everything about data works with `--db` and `--replica`.',
    ...Object.entries(settings).flatMap(([key, { help, example, byDefault }]): Block[] => [
      `## ${key}`,
      help,
      ['```yaml', `${key}: ${example}`, '```'],
      `By default: ${byDefault}.`,
    ]),
    '## Environment',
    [
      '| variable | |',
      '|---|---|',
      '| `DR_NOTIFICATION_WEBHOOK` | One more webhook that is told. `DR_NOTIFICATION_WEBHOOK_FILE` names a file that holds it. |',
      '| `DR_S3_BUCKET` | Refused in this version, which copies to folders only: better no copy than one that is not where you think. |',
      '| `NO_COLOR`, `FORCE_COLOR` | No colour; colour even where nobody looks. |',
      '| `GENESIS_DR_DEBUG` | `1`: a bug of ours is shown with where it happened. |',
    ],
  ])
}

const kinds: Readonly<Record<ErrorKind, string>> = {
  unavailable: 'retry, then page a person',
  fenced: 'stop; somebody else is in charge',
  damaged: 'use another copy',
  refused: 'nothing was done; a person decides',
}

export function errorsDocument(): string {
  const rows = Object.entries(errorTable).map(([code, { kind, exit, means }]) => `| \`${code}\` | ${kind} | ${exit} | ${means} |`)
  return page([
    '# Errors',
    generated,
    'Every error says what happened, what was left untouched, and what to do next. With `--json` it is `{ "error": { code, what, untouched, next } }`. Its kind says who must act:',
    Object.entries(kinds).map(([kind, act]) => `- **${kind}**: ${act}`),
    ['| code | kind | exit | means |', '|---|---|---|---|', ...rows],
  ])
}

/** A line, or lines that belong together. */
type Block = string | readonly string[]

function page(blocks: readonly Block[]): string {
  return `${blocks.map((block) => (typeof block === 'string' ? block : block.join('\n'))).join('\n\n')}\n`
}
