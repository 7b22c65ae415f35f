/**
 * From the words of the command line to a command and its exit status. The parser is made from the commands' own data, and whatever it
 * refuses becomes an error of ours, with its three lines.
 */
import { CommanderError, type Help, Command as Parser, Option as ParserOption } from 'commander'
import type { Config } from '../config.ts'
import { DrError, isDrError } from '../errors.ts'
import { sourcesIn, typedTerminal } from './as-typed.ts'
import type { Command, World } from './command.ts'
import { commands } from './commands.ts'
import { type ExitStatus, exitStatuses } from './exit-status.ts'
import { commonOptions, epilogue, optionTableOf } from './help.ts'
import { flagOf, readOptions, unknownWord, usage } from './options.ts'
import type { Parts } from './parts.ts'
import { errorText, reportOf } from './render/error-text.ts'

/** What the entry knows of the world around the process. */
export interface Surroundings extends Omit<World, 'config' | 'parts' | 'json'> {
  readonly version: string
  /** What was typed before the first word: "npx genesis-dr". */
  readonly program: string
  /** A bug of ours is shown with where it happened. */
  readonly debug: boolean
  /** @throws CONFIG_INVALID */
  readConfig(flags: ConfigFlags): Config
  composeParts(config: Config): Parts
}

export interface ConfigFlags {
  /** Path of a configuration that must be there; null: `genesis-dr.yaml` of the working directory, if it is there. */
  readonly config: string | null
  readonly database: string | null
  readonly replica: string | null
  readonly settings?: 'not read'
}

/** Never throws: what goes wrong is told and becomes the exit status. `words`: without the program's own name. */
export async function runProgram(words: readonly string[], around: Surroundings): Promise<ExitStatus> {
  const json = words.includes('--json')
  const terminal = typedTerminal(around.terminal, { program: around.program, sources: sourcesIn(words) }, json)
  const surroundings = { ...around, terminal }
  try {
    const parsed = parse(words, surroundings)
    return 'exit' in parsed ? parsed.exit : await runCommand(parsed, surroundings)
  } catch (error) {
    const report = reportOf(error)
    if (json) terminal.write(`${JSON.stringify({ error: report })}\n`)
    terminal.writeError(`${errorText(report, terminal.errorPalette, terminal.errorColumns())}\n`)
    if (!isDrError(error) && error instanceof Error && surroundings.debug) terminal.writeError(`${error.stack}\n`)
    return isDrError(error) ? asExitStatus(error.exit) : 1
  }
}

interface Parsed {
  readonly command: Command
  readonly options: Readonly<Record<string, unknown>>
  readonly words: readonly string[]
}

/** @throws USAGE */
function parse(words: readonly string[], { terminal, version }: Surroundings): Parsed | { readonly exit: ExitStatus } {
  const found: { parsed: Parsed | null } = { parsed: null }
  const program = configured(new Parser('genesis-dr'), terminal)
    .description('Disaster recovery for trading systems: copies the live database, recovers it by a runbook, and measures it in drills.')
    .version(version, '-V, --version', 'prints the version')
    .addHelpText('after', epilogue(null, terminal.palette, helpWidth(terminal)))
  for (const command of commands) program.addCommand(parserFor(command, terminal, (parsed) => (found.parsed = parsed)))
  if (words.length === 0) {
    terminal.writeError(program.helpInformation())
    return { exit: 2 }
  }
  try {
    program.parse(commandFirst(words), { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { exit: 0 }
    throw refusedBy(error, words)
  }
  if (found.parsed === null) throw usage('no command was given', 'genesis-dr --help lists them.')
  return found.parsed
}

/** Options may stand before the command as well, and "help" is a word for --help. */
function commandFirst(words: readonly string[]): string[] {
  const at = commandIndex(words)
  const name = words[at]
  if (name === undefined) return [...words]
  const [before, after] = [words.slice(0, at), words.slice(at + 1)]
  return name === 'help' ? [...after, ...(after.length === 0 ? ['--help'] : before), '--help'] : [name, ...before, ...after]
}

/** Of the first word that is neither an option nor the value of one; -1 where the program itself is asked. */
function commandIndex(words: readonly string[]): number {
  const tables = [commonOptions({ changes: 'live' }), ...commands.map((command) => command.options)]
  const options = tables.flatMap((table) => Object.entries(table))
  const withValue = options.flatMap(([name, { value }]) => (value === null ? [] : [flagOf(name)]))
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (['-h', '--help', '-V', '--version'].includes(word)) return -1
    if (withValue.includes(word)) at++
    else if (!word.startsWith('-')) return at
  }
  throw usage('no command was given', 'genesis-dr --help lists them.')
}

function parserFor(command: Command, terminal: World['terminal'], onParsed: (parsed: Parsed) => void): Parser {
  const parser = configured(new Parser(command.name), terminal).summary(command.summary).description(command.about)
  for (const option of optionsOf(command)) parser.addOption(option)
  if (command.words !== undefined) parser.argument('[words...]').usage(`${command.words.usage} [options]`)
  parser.addHelpText('after', epilogue(command, terminal.palette, helpWidth(terminal)))
  return parser.action(() => {
    const most = command.words?.most ?? 0
    const tooMany = parser.args[most]
    if (tooMany !== undefined)
      throw usage(
        `"${tooMany}" was not expected after ${['genesis-dr', command.name, ...parser.args.slice(0, most)].join(' ')}`,
        `genesis-dr ${command.name} --help shows what is.`,
      )
    onParsed({ command, options: parser.opts(), words: parser.args })
  })
}

function optionsOf(command: Command): readonly ParserOption[] {
  return Object.entries(optionTableOf(command)).map(
    ([name, option]) => new ParserOption(option.value === null ? flagOf(name) : `${flagOf(name)} <${option.value}>`, option.help),
  )
}

/** Chosen: longer lines are no easier to read. */
const helpWidth = (terminal: World['terminal']): number => Math.min(terminal.columns(), 110)

function configured(parser: Parser, terminal: World['terminal']): Parser {
  return parser
    .exitOverride()
    .allowExcessArguments()
    .showSuggestionAfterError(false)
    .helpOption('-h, --help', 'shows this')
    .helpCommand(false)
    .configureHelp({ helpWidth: helpWidth(terminal), styleTitle: terminal.palette.bold } satisfies Partial<Help>)
    .configureOutput({ writeOut: terminal.write, writeErr: () => {}, getOutHasColors: () => true })
}

/** What the parser refuses, in our words. */
function refusedBy(error: CommanderError, words: readonly string[]): DrError {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? ''
  const names = commands.map((command) => command.name)
  if (error.code === 'commander.unknownCommand') return unknownWord('command', quoted, names)
  if (error.code === 'commander.unknownOption') {
    const command = commands.find(({ name }) => words.includes(name))
    const known = (command === undefined ? commands : [command]).flatMap((one) => Object.keys(optionTableOf(one)).map(flagOf))
    return unknownWord('option', quoted, [...new Set(known)], command === undefined ? '' : ` for ${command.name}`)
  }
  return usage(error.message.replace(/^error: /, ''), 'Add --help to the command for its options.')
}

async function runCommand({ command, options, words }: Parsed, surroundings: Surroundings): Promise<ExitStatus> {
  const common = readOptions(commonOptions(command), options)
  const args = readOptions(command.options, options)
  const { readConfig, composeParts, ...around } = surroundings
  const sources = { database: common.db, replica: common.replica }
  const config = readConfig(
    command.settings === 'not read' ? { config: null, settings: 'not read', ...sources } : { config: common.config ?? null, ...sources },
  )
  const world: World = { ...around, config, parts: composeParts(config), json: common.json }
  await confirm(command.confirms?.(args) ?? null, world, common.yes ?? null)
  return command.run(args, world, words)
}

/** @throws CONFIRMATION_MISSING */
async function confirm(change: string | null, { config, ask, terminal }: World, yes: string | null): Promise<void> {
  if (change === null || yes === config.name) return
  if (yes !== null) throw notConfirmed(`--yes ${yes} is not the name of this system, which is ${config.name}`, config.name)
  if (ask === null) throw notConfirmed(`this would ${change}, and nobody is there to confirm it`, config.name)
  const typed = await ask(`This will ${change} on ${terminal.errorPalette.bold(config.name)}. Type the name of the system to go on: `)
  if (typed?.trim() !== config.name) throw notConfirmed('the name was not typed', config.name)
}

function notConfirmed(what: string, name: string): DrError {
  return new DrError('CONFIRMATION_MISSING', {
    what,
    untouched: 'Nothing was done.',
    next: `Type ${name} when asked, or add --yes ${name}; --dry-run, where there is one, needs neither.`,
  })
}

function asExitStatus(exit: number): ExitStatus {
  return exit in exitStatuses ? (exit as ExitStatus) : 1
}
