/** What a command is: data that feeds the parser, the help, the document and the confirmation, and one function that does it. */
import type { Config } from '../config.ts'
import type { Clock } from '../ports/clock.ts'
import type { ExitStatus } from './exit-status.ts'
import type { ArgsOf, OptionTable } from './options.ts'
import type { Parts } from './parts.ts'
import type { Palette } from './render/palette.ts'

export interface Command<Options extends OptionTable = OptionTable> {
  readonly name: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** What a person should know before using it. */
  readonly about: string
  /** 'live': it stops, starts or replaces something real, and is confirmed with the name of the system. */
  readonly changes: 'nothing' | 'the replica' | 'the configuration' | 'live'
  /** 'not read': it works as if there were no file of settings, whatever stands in the working directory. */
  readonly settings?: 'not read'
  readonly options: Options
  /** Words after the command's name. */
  readonly words?: { readonly usage: string; readonly most: number }
  readonly examples: readonly Example[]
  /** What `--json` prints. */
  readonly json: string
  /** Where a status means something more exact here. */
  readonly exits?: Partial<Readonly<Record<ExitStatus, string>>>
  /** What is about to be changed live, as a question begins: "stop trading"; null: nothing is with these arguments. @throws USAGE */
  confirms?(args: ArgsOf<Options>): string | null
  run(args: ArgsOf<Options>, world: World, words: readonly string[]): Promise<ExitStatus>
}

export interface Example {
  readonly line: string
  readonly does: string
}

/** Gives a command its type, so that `run` gets its own options, typed. */
export function command<Options extends OptionTable>(definition: Command<Options>): Command<Options> {
  return definition
}

/** What a command finds around it. */
export interface World {
  readonly config: Config
  readonly parts: Parts
  readonly terminal: Terminal
  readonly clock: Clock
  readonly interruption: Interruption
  /** null: nobody is there to be asked. */
  readonly ask: Ask | null
  /** One JSON value on stdout; everything else goes to stderr. */
  readonly json: boolean
  /** A path that a person gave, made absolute. */
  readonly resolve: (path: string) => string
  /** Who is at the keyboard, by the environment. */
  readonly user: string
}

export interface Terminal {
  /** stdout is looked at by a person: a line may be redrawn. */
  readonly live: boolean
  readonly palette: Palette
  readonly errorPalette: Palette
  /** Of the screen now; 100 where there is none. */
  columns(): number
  /** Of the screen that shows stderr; null where none does. */
  errorColumns(): number | null
  /** To stdout, as it is. */
  write(text: string): void
  /** To stderr, as it is. */
  writeError(text: string): void
}

export interface Interruption {
  readonly signal: AbortSignal
}

/** Asks the person at the terminal. Resolves with the line, null when there is no more input or an interruption came. */
export type Ask = (question: string) => Promise<string | null>

/** One value, as JSON or as text for people. */
export function show({ json, terminal }: World, value: unknown, asText: (palette: Palette, columns: number) => string): void {
  terminal.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${asText(terminal.palette, terminal.columns())}\n`)
}
