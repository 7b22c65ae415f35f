/**
 * Options of commands as data: each has its help and reads its own text, so that the parser, the help and the document agree. Pure.
 * The key of an option is its name in code; `--dry-run` on the command line is `dryRun` here.
 */
import { DrError } from '../errors.ts'
import { parseTxid } from '../ltx/txid.ts'
import { nearest } from '../nearest.ts'
import { parseTime } from '../units.ts'

export interface Option<T> {
  /** What stands for the value in the help; null: the option takes none. */
  readonly value: string | null
  readonly help: string
  /** `text`: as given; true: given without a value; undefined: not given. @throws USAGE */
  read(given: string | true | undefined, flag: string): T
}

export type OptionTable = Readonly<Record<string, Option<unknown>>>
export type ArgsOf<Table extends OptionTable> = { readonly [Name in keyof Table]: Table[Name] extends Option<infer T> ? T : never }

export interface GivenTime {
  readonly epochMs: number
  /** It had no zone and was read as UTC. */
  readonly zoneAssumed: boolean
}

export function flag(help: string): Option<boolean> {
  return { value: null, help, read: (given) => given !== undefined }
}

export function text(value: string, help: string): Option<string | null> {
  return { value, help, read: (given, name) => stringOf(given, name) }
}

/** `of`: what the words name: "scenario". Words of other versions are refused as what they are. */
export function choice<Word extends string>(
  value: string,
  of: string,
  words: readonly Word[],
  help: string,
  later: readonly string[] = [],
): Option<Word | null> {
  return {
    value,
    help: `${help}: ${words.join(', ')}`,
    read(given, name) {
      const word = stringOf(given, name)
      if (word === null) return null
      const found = words.find((one) => sameWord(one, word))
      if (found !== undefined) return found
      if (later.some((one) => sameWord(one, word)))
        throw usage(`the ${of} ${word} is not in this version`, `This version has: ${words.join(', ')}.`)
      throw unknownWord(of, word, words)
    },
  }
}

/** An option whose text becomes something else. `is`: what the text is not, where `parse` gives null; `give`: what to give instead. */
function parsed<T>(value: string, help: string, parse: (word: string) => T | null, is: string, give: string): Option<T | null> {
  return {
    value,
    help,
    read(given, name) {
      const word = stringOf(given, name)
      if (word === null) return null
      const found = parse(word)
      if (found !== null) return found
      throw usage(`${name} ${word} is not ${is}`, give.replace('FLAG', name))
    },
  }
}

export function wholeNumber(value: string, help: string): Option<number | null> {
  const parse = (word: string): number | null => (/^\d+$/.test(word) && Number.isSafeInteger(Number(word)) ? Number(word) : null)
  return parsed(value, help, parse, 'a whole number', 'Give digits only: FLAG 42')
}

export function time(value: string, help: string): Option<GivenTime | null> {
  return parsed(value, help, parseTime, 'an ISO 8601 time', 'Give one, in UTC where it has no zone: FLAG 2025-01-01T12:00:00')
}

export function txid(value: string, help: string): Option<number | null> {
  const give = 'A txid is 16 hex digits, as genesis-dr backup-status shows it: FLAG 00000000000012af'
  return parsed(value, help, parseTxid, 'a txid', give)
}

export function timelineNumber(value: string, help: string): Option<string | null> {
  const parse = (word: string): string | null => (/^[0-9a-fA-F]{1,8}$/.test(word) ? word.toLowerCase().padStart(8, '0') : null)
  const give = 'It is 8 hex digits, as genesis-dr backup-status shows it: FLAG 00000002'
  return parsed(value, help, parse, 'the number of a timeline', give)
}

export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** The texts of the command line become the typed arguments of a command. @throws USAGE */
export function readOptions<Table extends OptionTable>(table: Table, given: Readonly<Record<string, unknown>>): ArgsOf<Table> {
  const entries = Object.entries(table).map(([name, option]) => {
    const value = given[name]
    return [name, option.read(typeof value === 'string' || value === true ? value : undefined, flagOf(name))]
  })
  // The table says what each of its options reads as; the compiler cannot follow it through the entries.
  return Object.fromEntries(entries) as ArgsOf<Table>
}

export function usage(what: string, next: string): DrError {
  return new DrError('USAGE', { what, untouched: 'Nothing was done.', next })
}

/** `where`: of which command, empty: of the program. */
export function unknownWord(of: string, word: string, words: readonly string[], where = ''): DrError {
  const near = nearest(word, words)
  const next = near === null ? `Known: ${words.join(', ')}.` : `Did you mean ${near}? Known: ${words.join(', ')}.`
  return usage(`there is no ${of} ${JSON.stringify(word)}${where}`, next)
}

/** "database-corruption" is DATABASE_CORRUPTION: nobody should fail on a shift key at three in the morning. */
function sameWord(known: string, given: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replaceAll('_', '-')
  return plain(known) === plain(given)
}

function stringOf(given: string | true | undefined, name: string): string | null {
  if (given === undefined) return null
  if (given !== true && given.trim() !== '' && !given.startsWith('--')) return given
  throw usage(`${name} needs a value`, 'Add --help to the command for its options.')
}
