/**
 * The rules of the house, as functions over sources: each violation says what was found and what to use instead. Pure.
 *
 * What is in the tables below is a rule; test/tidy.test.ts holds the tree to them and shows that each of them bites.
 * What breaks one for a good reason stands in `exceptions` with that reason, and an exception that nothing needs any more is a violation.
 */
import { type Found, factsOf, type Source, type SourceFacts } from './source-facts.ts'

export interface Violation {
  readonly rule: string
  readonly path: string
  readonly line: number
  readonly what: string
  readonly instead: string
}
export type Rule = (files: readonly SourceFacts[]) => readonly Violation[]

const level0 = ['errors', 'assert', 'units', 'config', 'nearest', 'scenario-names', 'latch-holder', 'shell-word']
const level1 = [...level0, 'ports', 'ltx', 'wal']
/** The layout and the plans of a replica: what capturing and restoring both know, so it stands below them. */
const level1b = [...level1, 'replica']
const level2 = ['replication', 'restore', 'exchange', 'failover', 'breach', 'workflow']
const level3 = [...level1b, ...level2, 'runbook']
const level4 = [...level3, 'drill', 'status', 'init']
/** Files in src/ itself that put the parts together; like entries they may import everything. */
const composition = [
  'compose',
  'compose-system',
  'compose-capture',
  'compose-drill',
  'compose-init',
  'compose-supervised',
  'capture-program',
  'compose-agent',
  'errand-program',
  'capture-access',
  'load-config',
  'index',
]
const everything = ['entries', ...composition]

/** Room -> the rooms that it may import from, besides itself. docs/architecture.md shows the same table. */
const doors: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(level0.map((room) => [room, level0])),
  ports: level0,
  ltx: level0,
  wal: level0,
  replica: level1,
  ...Object.fromEntries(level2.map((room) => [room, level1])),
  replication: level1b,
  restore: level1b,
  adapters: level1,
  runbook: level3,
  drill: level3,
  status: level3,
  init: [...level3, 'drill'],
  // The commands show what an agent tells.
  cli: [...level4, 'agent'],
  agent: level4,
}

/** Packages that do no IO, and the one room that each is for. */
const packageRooms: Readonly<Record<string, { readonly room: string; readonly because: string }>> = {
  zod: { room: 'config', because: 'the shapes of the settings' },
  yaml: { room: 'config', because: 'the configuration with its line numbers' },
  commander: { room: 'cli', because: 'the command line' },
}
const ioRooms = ['adapters', ...everything]
/** Folders that may stand inside a room; any may inside adapters/. */
const subfolders = ['runbook/steps', 'runbook/scenarios', 'runbook/probes', 'cli/commands', 'cli/render']
/** Rooms that know promises and no vendor. Litestream is no vendor here but the source of the format. */
const domain = [...level1b, ...level2, 'runbook', 'drill', 'status'].filter((room) => room !== 'config')
const vendors =
  /\b(s3|aws|amazon|gcs|azure|minio|cloudflare|systemd|systemctl|docker|kubernetes|binance|bybit|okx|kraken|coinbase|ccxt|nftables|iptables|slack|telegram|pagerduty|freqtrade|hummingbot)\b/i

const realWorld = ['adapters', 'entries']
const bans: readonly { readonly use: RegExp; readonly instead: string; readonly except: readonly string[] }[] = [
  { use: /^(Date\.now|new Date\(\))$/, instead: 'Clock.wallMs of src/ports/clock.ts', except: realWorld },
  { use: /^(performance\.|process\.(hrtime|uptime))/, instead: 'Clock.monotonicMs of src/ports/clock.ts', except: realWorld },
  { use: /^set(Timeout|Interval|Immediate)$/, instead: 'Clock.sleep of src/ports/clock.ts', except: realWorld },
  { use: /^(Math\.random$|crypto\.)/, instead: 'src/ports/random.ts or src/ports/hash.ts', except: realWorld },
  { use: /^(fetch$|new WebSocket)/, instead: 'a port, with its adapter', except: ['adapters'] },
  { use: /^console\./, instead: 'a returned text or an event, which the entry writes', except: [] },
  // The face of the library stands where an entry stands: the program that imports it has no other to read its environment.
  { use: /^process\.(env|argv)\b/, instead: 'an argument: only entries/ read environment and command line', except: ['entries', 'index'] },
  { use: /^process(\.(?!env\b|argv\b)|$)/, instead: 'a port or an argument', except: [...realWorld, ...composition] },
]
const shapesInstead: Readonly<Record<string, string>> = {
  enum: 'a union of strings, or an object `as const`',
  namespace: 'a module',
  'export default': 'a named export',
  any: '`unknown`, and a decoder',
  'empty catch': 'a named error and what to do with it',
  decorator: 'a function that wraps',
  '!': 'a check, or `assert`',
  as: 'a decoder or a better type; `as` is for decoders, which stand in `exceptions`',
  extends: 'a function or a union; only errors have a parent class',
  'export from': 'an import from where it is made: only src/index.ts is a face',
  'work at import': 'a function that an entry calls',
}
const bannedName = /(Manager|Handler|Helper|Util|Coordinator)s?(?![a-z])|^(manager|handler|helper|util|coordinator)s?(?![a-z])/
const maximumLines = 400

export interface Exception {
  readonly rule: string
  readonly path: string
  readonly what: string
  readonly because: string
}

const reads = (path: string, because: string): Exception => ({ rule: 'shapes', path, what: 'as', because })

export const exceptions: readonly Exception[] = [
  // Decoders, and what the compiler cannot follow.
  reads('src/config.ts', 'the schema was applied in the same expression'),
  reads('src/workflow/record.ts', 'a line of the journal, after its hash was checked'),
  reads('src/runbook/run-facts.ts', 'the evidence of our own steps, back from JSON'),
  reads('src/capture-program.ts', 'its settings come as JSON from the process that starts it'),
  reads('src/errand-program.ts', 'what an agent of ours tells it, as JSON'),
  reads('src/compose-agent.ts', 'answers of our own errands'),
  reads('src/replication/supervisor.ts', 'lines of our own capture process'),
  reads('src/adapters/process/capture-process.ts', 'the last line of our own capture process'),
  reads('src/drill/witness.ts', 'lines of the drill bot'),
  reads('src/adapters/systemd/unit-facts.ts', 'every key of the asked list was filled'),
  reads('src/adapters/control/client.ts', 'answers of our own server'),
  reads('src/cli/options.ts', 'the table says what each of its options reads as'),
  reads('src/cli/program.ts', 'an exit status was looked up in the table'),
  reads('src/index.ts', 'Object.fromEntries forgets the names of its keys'),
  {
    rule: 'banned calls',
    path: 'src/adapters/process/run-command.ts',
    what: 'process.env',
    because: 'the tools that it asks need the PATH of this process; nothing is decided by it',
  },
  { rule: 'skips', path: 'test/needs.ts', what: 'describe.skip', because: 'the one place that skips, with the reason in the title' },
]

const isTest = (path: string): boolean => path.endsWith('.test.ts')

/** `src/ltx/decode.ts` -> `ltx`, `src/config.ts` -> `config`. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '')
}

type Look = (file: SourceFacts) => readonly (Found & { readonly instead: string })[]

/** A rule that looks at one file after the other. */
function each(rule: string, applies: (file: SourceFacts) => boolean, look: Look): [string, Rule] {
  const violations = (file: SourceFacts): readonly Violation[] => look(file).map((found) => ({ rule, path: file.path, ...found }))
  return [rule, (files) => files.filter(applies).flatMap(violations)]
}

const saying = (instead: string, found: readonly Found[]): ReturnType<Look> => found.map((one) => ({ ...one, instead }))
const whole = (what: string): readonly Found[] => [{ line: 1, what }]

/** What `pattern` finds in the text itself, comments included. */
function grep({ lines }: SourceFacts, pattern: RegExp): readonly Found[] {
  return lines.flatMap((text, index) => {
    const [what] = pattern.exec(text) ?? []
    return what === undefined ? [] : [{ line: index + 1, what }]
  })
}

function headerOf({ text }: SourceFacts): string {
  const [, comment = ''] = /^(?:#!.*\n)?\/\*\*(.*?)\*\//s.exec(text) ?? []
  return comment.replaceAll(/^\s*\* ?/gm, '').trim()
}

const everywhere = (): boolean => true
const isSource = ({ path }: SourceFacts): boolean => path.startsWith('src/') && !isTest(path)
const isDomain = (file: SourceFacts): boolean => isSource(file) && domain.includes(roomOf(file.path))
const isPure = (file: SourceFacts): boolean =>
  isSource(file) && (['ltx', 'wal'].includes(roomOf(file.path)) || /\bPure[.:]/.test(headerOf(file)))

export const rules: ReadonlyMap<string, Rule> = new Map([
  each('doors', isSource, ({ path, imports }) => {
    const room = roomOf(path)
    const open = doors[room]
    if (everything.includes(room)) return []
    if (open === undefined) return saying('a room that is there, or a new row', whole(`src/${room} is in no row of the import table`))
    const may = [room, ...open]
    return saying(
      `a port or an argument: ${room} may import from ${may.join(', ')} only`,
      imports.filter(({ what }) => !(what.startsWith('src/') && may.includes(roomOf(what)))),
    )
  }),
  each('packages', isSource, ({ path, packages }) => {
    const room = roomOf(path)
    const may = (name: string): boolean =>
      ioRooms.includes(room) ? name.startsWith('node:') || room === 'adapters' : packageRooms[name]?.room === room
    return saying(
      'a port: IO and vendors live in adapters/',
      packages.filter(({ what }) => !may(what)),
    )
  }),
  each('vendors', isDomain, (file) => saying('the word of the port: the domain names no vendor', grep(file, vendors))),
  each('banned calls', isSource, ({ path, uses }) =>
    bans
      .filter(({ except }) => !except.includes(roomOf(path)))
      .flatMap(({ use, instead }) =>
        saying(
          instead,
          uses.filter(({ what }) => use.test(what.replace(/^globalThis\./, ''))),
        ),
      ),
  ),
  each('purity', isPure, ({ shapes, packages, imports }) => [
    ...saying(
      'a thin caller that waits: a pure file never does',
      shapes.filter(({ what }) => what === 'await' || what === 'async'),
    ),
    ...saying(
      'an argument: a pure file does no IO',
      [...packages, ...imports].filter(({ what }) => /^(node:|src\/adapters\/)/.test(what)),
    ),
  ]),
  each('size', everywhere, ({ lines }) =>
    lines.length <= maximumLines ? [] : saying(`at most ${maximumLines}: some of it is a file of its own`, whole(`${lines.length} lines`)),
  ),
  each(
    'header',
    ({ path }) => !isTest(path),
    (file) =>
      /^["`\w].{15,}?[.:](\s|$)/s.test(headerOf(file)) ? [] : saying('/** What this file is for, in one sentence. */', whole('no header')),
  ),
  each('file names', everywhere, ({ path }) => {
    const word = /^[a-z0-9]+(-[a-z0-9]+)*(\.test)?(\.(ts|mjs|js))?$/
    const parts = path.split('/')
    return saying(
      'kebab-case, and a noun or verb of the field',
      parts.filter((part) => !word.test(part) || /^(common|shared|misc|lib)$/.test(part)).map((what) => ({ line: 1, what })),
    )
  }),
  each('depth', isSource, ({ path }) => {
    const folders = path.split('/').slice(1, -1)
    const fits = folders.length < 2 || (folders.length === 2 && (folders[0] === 'adapters' || subfolders.includes(folders.join('/'))))
    return fits ? [] : saying(`src/room/file; one folder more only in adapters, ${subfolders.join(', ')}`, whole(folders.join('/')))
  }),
  each('names', everywhere, ({ path, names }) =>
    saying(
      'the verb or noun of what it does',
      [...whole(pascalCase(path)), ...names].filter(({ what }) => bannedName.test(what)),
    ),
  ),
  each(
    'shapes',
    ({ path }) => !isTest(path),
    ({ path, shapes }) => {
      const room = path.startsWith('src/') ? roomOf(path) : null
      const allowed: Readonly<Record<string, boolean>> = {
        '!': room === null,
        as: room === null,
        'export from': room === 'index',
        'work at import': room === null || room === 'entries',
      }
      return shapes.flatMap((found) => {
        const instead = shapesInstead[found.what]
        return instead === undefined || allowed[found.what] === true ? [] : saying(instead, [found])
      })
    },
  ),
  each('leftovers', everywhere, (file) =>
    saying('the work itself, or an issue', grep(file, /\b(TO[D]O|FIXM[E]|XX[X]|HAC[K])\b|^\s*(\/\/|\*) ?[-=*#~]{3}/)),
  ),
  each('skips', everywhere, ({ uses }) =>
    saying(
      'describeWith of test/needs.ts, which says why',
      uses.filter(({ what }) => /^(describe|it|test|suite|bench)\b.*\.(only|skip|todo|skipIf|runIf|fails)$/.test(what)),
    ),
  ),
  each('mocks', everywhere, ({ uses }) =>
    saying(
      'a second implementation of the port that passes its contract suite',
      uses.filter(({ what }) => /^vi\.(fn|mock|doMock|spyOn|stub\w+|useFakeTimers|hoisted)$/.test(what)),
    ),
  ),
  ['dead files', deadFiles],
])

/** `src/cli/error-text.ts` -> `ErrorText`. */
function pascalCase(path: string): string {
  return (path.split(/[/.]/).at(-2) ?? '').replaceAll(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase())
}

/** Everything in src/ is reached from a program that somebody starts, or from the face of the library. */
function deadFiles(files: readonly SourceFacts[]): readonly Violation[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const isRoot = ({ path }: SourceFacts): boolean => /^(src\/entries|scripts|bench)\/|^src\/index\.ts$/.test(path) && !isTest(path)
  const reached = new Set<string>()
  const reach = (file: SourceFacts): void => {
    if (reached.has(file.path)) return
    reached.add(file.path)
    for (const { what } of file.imports) {
      const imported = byPath.get(what)
      if (imported !== undefined) reach(imported)
    }
  }
  files.filter(isRoot).forEach(reach)
  return files
    .filter((file) => isSource(file) && !reached.has(file.path))
    .map(({ path }) => ({
      rule: 'dead files',
      path,
      line: 1,
      what: 'nothing that runs imports it',
      instead: 'no file, or the import that was forgotten',
    }))
}

/** What the sources break and no exception allows, and exceptions that nothing needs. */
export function violationsOf(sources: readonly Source[], allowed: readonly Exception[] = exceptions): readonly Violation[] {
  const files = sources.map(factsOf)
  const found = [...rules.values()].flatMap((rule) => rule(files))
  const allows = (exception: Exception, violation: Violation): boolean =>
    exception.rule === violation.rule && exception.path === violation.path && exception.what === violation.what
  const unused = allowed
    .filter((exception) => !found.some((violation) => allows(exception, violation)))
    .map(({ rule, path, what }) => ({
      rule: 'exceptions',
      path,
      line: 1,
      what: `nobody needs the exception for ${what} (${rule})`,
      instead: 'a shorter list',
    }))
  return [...found.filter((violation) => !allowed.some((exception) => allows(exception, violation))), ...unused]
}

export function sentenceOfViolation({ rule, path, line, what, instead }: Violation): string {
  return `${path}:${line}: ${what}; instead: ${instead} (house rule: ${rule})`
}
