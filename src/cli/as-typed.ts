/**
 * Command lines in texts for people, as this person has to type them: `genesis-dr validate` becomes `npx genesis-dr validate --config /srv/x.yaml`
 * for whoever called it so. Texts name commands in their plain form everywhere, and only here is it known how the program was called. Pure.
 */
import { shellWord } from '../shell-word.ts'
import type { Terminal } from './command.ts'
import { commands } from './commands.ts'
import { commonOptions } from './help.ts'
import { flagOf } from './options.ts'

export interface Called {
  /** What stands before the command: "genesis-dr", "npx genesis-dr". */
  readonly program: string
  /** Where it was told to find settings, database and replica; by the name of the option, empty where it found them by itself. */
  readonly sources: Readonly<Partial<Record<'config' | 'db' | 'replica', string>>>
}

// A screen may have been wrapped between the two words. Not within a path, nor where it is the name of something else.
const named = new RegExp(`(?<![\\w./-]|npx )genesis-dr\\s+(${commands.map(({ name }) => name).join('|')})(?![\\w-]|\\.\\w)`, 'g')
/** The command line ends there: its own words about the sources come before. */
const lineEnd = /[\n`);]|$/

/** Read from the bare words, so that an error of the parser knows them too. */
export function sourcesIn(words: readonly string[]): Called['sources'] {
  const valueAfter = (flag: string): string | undefined => {
    const at = words.findIndex((word) => word === flag || word.startsWith(`${flag}=`))
    const word = words[at]
    return word === flag ? words[at + 1] : word?.slice(flag.length + 1)
  }
  const given = (['config', 'db', 'replica'] as const).flatMap((name) => {
    const value = valueAfter(flagOf(name))
    return value === undefined || value === '' ? [] : [[name, value] as const]
  })
  return Object.fromEntries(given)
}

export function asTyped(text: string, { program, sources }: Called): string {
  return text.replace(named, (line, name: string, at: number) => {
    const rest = text.slice(at + line.length)
    const own = rest.slice(0, rest.search(lineEnd))
    const takes = commonOptions(commands.find((command) => command.name === name) ?? { changes: 'nothing' })
    const words = Object.entries(sources)
      .filter(([source]) => source in takes && !/ --(config|db|replica)\b/.test(own))
      .map(([source, value]) => ` ${flagOf(source)} ${shellWord(value)}`)
    return `${program} ${name}${words.join('')}`
  })
}

/** `json`: stdout is for a program, which gets the plain form. */
export function typedTerminal(terminal: Terminal, called: Called, json: boolean): Terminal {
  return {
    ...terminal,
    write: (text) => terminal.write(json ? text : asTyped(text, called)),
    writeError: (text) => terminal.writeError(asTyped(text, called)),
  }
}
