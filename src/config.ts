/**
 * One table of settings: the parser, the help and docs/config.md come from it. Pure: texts come in, frozen data goes out.
 * Flags win over the file, the file over the environment. Relative paths count from the folder of the file, or from the working directory.
 */
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import { DrError, sentenceOf } from './errors.ts'
import { nearest } from './nearest.ts'
import { type AutomaticName, automaticNames } from './scenario-names.ts'
import { MiB, minutes } from './units.ts'

/** The user's own invariant: a statement and what its first value must be. */
export interface UserCheck {
  readonly name: string
  readonly sql: string
  readonly equals: string | number
}

export interface Contact {
  readonly role: string
  readonly reach: string
}

export interface Config {
  /** Typed, or given with --yes, before anything live. */
  readonly name: string
  /** null when there is no configuration file. */
  readonly file: string | null
  /** Absolute, without symbolic links: SQLite keeps the log beside the file itself. */
  readonly database: string
  /** `path`: absolute, of a `file:` URL. null: none is configured. */
  readonly replica: { readonly url: string; readonly path: string } | null
  /** What the runs on this system leave: latch, journal, evidence, the log of the bot. */
  readonly stateFolder: string
  /** What a capture of this database keeps: a function of its path alone, so that whoever names the database finds its capture. */
  readonly captureFolder: string
  readonly service:
    | { readonly systemd: string }
    | { readonly command: readonly string[]; readonly cwd: string }
    | { readonly compose: string; readonly at: { readonly file: string } | { readonly folder: string } }
    | null
  readonly checks: readonly UserCheck[]
  readonly webhooks: readonly string[]
  readonly stopTimeoutMs: number
  readonly flushIntervalMs: number
  readonly scrubTurnMs: number
  readonly walLimitBytes: number
  /** null: the smaller of 512 MiB and 5 % of the disk. */
  readonly freeSpaceBytes: number | null
  readonly integrity: 'quick' | 'full'
  readonly logPatterns: readonly string[]
  /** What the agent may start without a person. */
  readonly autoExecute: readonly AutomaticName[]
  /** Minutes between two rehearsals of a restore; 0: none. */
  readonly rehearseMinutes: number
  /** Whom to call, in order. */
  readonly contacts: readonly Contact[]
  /** Dashboards: name -> URL. */
  readonly links: Readonly<Record<string, string>>
}

interface Setting {
  readonly schema: z.ZodType
  readonly help: string
  readonly example: string
  readonly byDefault: string
}

const exactly = 'is too large to be exact as a number: put it in quotes'
const service = z.union([
  z.strictObject({ systemd: z.string().min(1) }),
  z.strictObject({ command: z.array(z.string()).min(1), cwd: z.string().default('.') }),
  z.strictObject({ compose: z.string().min(1), file: z.string().min(1).optional() }),
])
const check = z.strictObject({
  name: z.string().min(1),
  sql: z.string().refine((sql) => statementsIn(sql) === 1, 'is not exactly one statement'),
  // YAML has rounded it already, so it would be compared with another number than the one that is written there.
  equals: z.union([z.string(), z.number().refine((value) => !Number.isInteger(value) || Number.isSafeInteger(value), exactly)]),
})
const webhook = z.strictObject({ webhook: z.url() })

export const settings = {
  name: {
    schema: z.string().min(1),
    help: "The system's name: typed, or given with --yes, before anything live.",
    example: 'genesis',
    byDefault: 'genesis; without a file, the name of the database file',
  },
  database: {
    schema: z.string().min(1),
    help: 'The SQLite database of the bot. A symbolic link is followed: the log, and the folder .NAME-dr of its capture, lie beside the file itself.',
    example: '.genesis/data/genesis.db',
    byDefault: '.genesis/data/genesis.db',
  },
  replica: {
    schema: z.string().min(1),
    help: 'Where the continuous copy goes: file:PATH. Another disk survives the loss of this one.',
    example: 'file:/mnt/backup/genesis',
    byDefault: 'none: give it here or with --replica',
  },
  service: {
    schema: service,
    help: 'How the bot is stopped and started: a systemd unit; a command with its working directory (`cwd`); or a service of docker compose with its `file`, which is looked for here where none is given. What compose does is tested on recorded output, and was exercised with Docker 20.10.24 and Compose 2.32.4. Without a service the bot is stopped by hand, and that is said.',
    example: '{ systemd: genesis-trading }',
    byDefault: 'none',
  },
  checks: {
    schema: z.array(check),
    help: 'Your own invariants: one statement that only reads, and the first value it must give. It is given 60 s; a whole number beyond 2^53 is compared as text, so put it in quotes. Used in detection, in the search for the last good point, and in validation.',
    example: '[{ name: no orphans, sql: "SELECT count(*) FROM orders WHERE position_id NOT IN (SELECT id FROM positions)", equals: 0 }]',
    byDefault: 'none',
  },
  notify: {
    schema: z.array(webhook),
    help: 'Who is told: webhooks. DR_NOTIFICATION_WEBHOOK (or DR_NOTIFICATION_WEBHOOK_FILE) names one more.',
    example: '[{ webhook: "https://hooks.example.com/..." }]',
    byDefault: 'none',
  },
  stopTimeout: {
    schema: z.number().positive().max(3600),
    help: 'Seconds that the bot is given to stop before it is killed.',
    example: '10',
    byDefault: '10',
  },
  flushInterval: {
    schema: z.number().min(0).max(60_000),
    help: 'Milliseconds between two flushes while the bot writes; the first commit after a quiet time is flushed at once.',
    example: '50',
    byDefault: '50',
  },
  scrub: {
    schema: z
      .number()
      .positive()
      .max(60 * 24 * 31),
    help: 'Minutes in which the capture looks at every page of the database file once: is it what was committed? A small database is through sooner, one of more than 110 GiB later.',
    example: '60',
    byDefault: '60',
  },
  walLimit: {
    schema: z.number().positive(),
    help: 'MiB that the log of the database may have because of us. Above it the capture lets go, so that the bot can begin its log anew, and follows again from a comparison of the whole file: what is committed meanwhile is copied, but not as points of their own.',
    example: '1024',
    byDefault: '1024',
  },
  freeSpace: {
    schema: z.number().min(0),
    help: 'MiB that must stay free on the disk of the database. Below it the capture lets go in the same way, and rehearsals of a restore wait.',
    example: '512',
    byDefault: '512, or 5 % of the disk where that is less',
  },
  integrity: {
    schema: z.enum(['quick', 'full']),
    help: 'How SQLite checks a restored database: quick_check, or integrity_check, which also compares indexes and takes about ten times as long.',
    example: 'quick',
    byDefault: 'quick',
  },
  logPatterns: {
    schema: z.array(z.string().refine(isPattern, 'is not a regular expression, or matches everything')),
    help: 'Regular expressions: a line that the bot wrote since it was started, to the journal or to the log of its command, and that matches one means that it met damage. A full disk, and a database that stays locked for more than 10 s, are told without any, and start no recovery.',
    example: '["malformed"]',
    byDefault: '["malformed", "not a database", "disk I/O error"]',
  },
  autoExecute: {
    schema: z.array(z.enum(automaticNames)),
    help: 'Scenarios whose runbook the agent starts by itself, without a person, when damage is seen twice. DATABASE_OLDER: the database went back in time, and the replica certainly has commits that it lacks; these are brought back, and what the bot has committed since stays in the replica as a timeline of its own. It needs `service`. A bot that a person stopped is never started by it.',
    example: '[DATABASE_CORRUPTION]',
    byDefault: 'none: the agent calls a person',
  },
  rehearse: {
    schema: z
      .number()
      .min(0)
      .max(24 * 60),
    help: 'Minutes between two rehearsals by the agent: the newest point is restored to a scratch file beside the database, checked, and removed. 0: never.',
    example: '5',
    byDefault: '5',
  },
  contacts: {
    schema: z.array(z.strictObject({ role: z.string(), reach: z.string() })),
    help: 'Whom to call, in order; shown in the runbook and in every message.',
    example: '[{ role: On-Call Engineer, reach: "+00 000 000" }]',
    byDefault: 'none',
  },
  links: {
    schema: z.record(z.string(), z.url()),
    help: 'Dashboards; shown in the runbook and in every message.',
    example: '{ Primary Dashboard: "https://monitor.example.com" }',
    byDefault: 'none',
  },
} as const satisfies Record<string, Setting>

/** Words of the whole product that this version does not know yet: they are no typing errors. */
const notYet = ['offsite', 'databases', 'ledger', 'exchange', 'onStop', 'autoClose', 'topology', 'salvageTail', 'dataLoss', 'replay']

export interface ConfigInput {
  /** Path and content of the file, null without one. */
  readonly file: { readonly path: string; readonly text: string } | null
  readonly flags: { readonly database?: string | undefined; readonly replica?: string | undefined }
  /** Values of DR_... variables, those of ..._FILE read already. */
  readonly environment: { readonly webhook?: string | undefined; readonly bucket?: string | undefined }
  readonly workingFolder: string
  /** As node:path. */
  readonly resolve: (...parts: string[]) => string
  readonly dirname: (path: string) => string
  readonly basename: (path: string) => string
  /** The path without symbolic links, also of a file that is not there. @throws CONFIG_INVALID when what is there is no regular file */
  readonly realFile: (path: string) => string
}

/** @throws CONFIG_INVALID naming file, line, what is wrong and the nearest known word */
export function readConfig(input: ConfigInput): Config {
  const { file, flags, environment, workingFolder, resolve, dirname, basename, realFile } = input
  const raw = file === null ? {} : parseFile(file.path, file.text)
  const folder = file === null ? workingFolder : dirname(resolve(workingFolder, file.path))
  const database = realFile(
    flags.database === undefined ? resolve(folder, raw.database ?? '.genesis/data/genesis.db') : resolve(workingFolder, flags.database),
  )
  const beside = resolve(dirname(database), `.${basename(database)}-dr`)
  const chosen = flags.replica ?? raw.replica
  const replica =
    chosen === undefined ? null : replicaOf(chosen, (path) => resolve(flags.replica === undefined ? folder : workingFolder, path))
  if (replica === null && environment.bucket !== undefined) throw notInThisVersion('DR_S3_BUCKET names a bucket')
  const webhooks = [...(raw.notify ?? []).map((one) => one.webhook), ...(environment.webhook === undefined ? [] : [environment.webhook])]
  return Object.freeze({
    name: raw.name ?? (file === null ? basename(database) : 'genesis'),
    file: file === null ? null : resolve(workingFolder, file.path),
    database,
    replica,
    stateFolder: file === null ? beside : resolve(folder, '.genesis'),
    captureFolder: beside,
    service: serviceOf(raw.service, (path) => resolve(folder, path)),
    checks: raw.checks ?? [],
    webhooks,
    stopTimeoutMs: (raw.stopTimeout ?? 10) * 1000,
    flushIntervalMs: raw.flushInterval ?? 50,
    scrubTurnMs: minutes(raw.scrub ?? 60),
    walLimitBytes: (raw.walLimit ?? 1024) * MiB,
    freeSpaceBytes: raw.freeSpace === undefined ? null : raw.freeSpace * MiB,
    integrity: raw.integrity ?? 'quick',
    logPatterns: raw.logPatterns ?? ['malformed', 'not a database', 'disk I/O error'],
    autoExecute: raw.autoExecute ?? [],
    rehearseMinutes: raw.rehearse ?? 5,
    contacts: raw.contacts ?? [],
    links: raw.links ?? {},
  })
}

type Raw = { readonly [Key in keyof typeof settings]?: z.infer<(typeof settings)[Key]['schema']> }

function parseFile(path: string, text: string): Raw {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const lineOf = (offset: number): number => lines.linePos(offset).line
  const [error] = document.errors
  if (error !== undefined) throw invalid(`${path}:${lineOf(error.pos[0])}: ${error.message.split('\n')[0]}`)
  const value = valueIn(document, path)
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(`${path}:1: a configuration is a list of "key: value" lines`)
  for (const [key, given] of Object.entries(value ?? {})) {
    const line = lineOf(keyOffset(document, key) ?? 0)
    const setting: Setting | undefined = Object.hasOwn(settings, key) ? settings[key as keyof typeof settings] : undefined
    if (setting === undefined) throw unknownKey(path, line, key)
    const parsed = setting.schema.safeParse(given)
    if (parsed.success) continue
    const issue = parsed.error.issues[0]
    const where = issue === undefined || issue.path.length === 0 ? key : `${key}.${issue.path.join('.')}`
    throw invalid(`${path}:${line}: ${where}: ${issue?.message ?? 'is not valid'}. Example: ${key}: ${setting.example}`)
  }
  const typed = z.object(Object.fromEntries(Object.entries(settings).map(([key, { schema }]) => [key, schema.optional()])))
  return typed.parse(value) as Raw
}

function valueIn(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS() ?? {}
  } catch (error) {
    // An alias ("*name") without its anchor, or one that grows without end.
    throw invalid(`${path}: ${sentenceOf(error)}`)
  }
}

function keyOffset(document: ReturnType<typeof parseDocument>, key: string): number | undefined {
  const { contents } = document
  if (contents === null || !('items' in contents)) return undefined
  for (const item of contents.items) {
    if (typeof item === 'object' && item !== null && 'key' in item) {
      const scalar = item.key
      if (
        typeof scalar === 'object' &&
        scalar !== null &&
        'value' in scalar &&
        scalar.value === key &&
        'range' in scalar &&
        Array.isArray(scalar.range)
      ) {
        return Number(scalar.range[0])
      }
    }
  }
  return undefined
}

function replicaOf(url: string, resolve: (path: string) => string): { readonly url: string; readonly path: string } {
  if (url.startsWith('file:')) {
    const path = url.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
    // From any working folder the same words for the same place.
    if (path !== '' && !path.startsWith('//')) return { url: `file:${resolve(path)}`, path: resolve(path) }
  }
  if (url.startsWith('s3://')) throw notInThisVersion(`the replica ${url} is in an object store`)
  throw invalid(`the replica "${url}" is not a URL that is known; give file:PATH, for example file:./replica`)
}

function serviceOf(raw: Raw['service'], resolve: (path: string) => string): Config['service'] {
  if (raw === undefined) return null
  if ('systemd' in raw) return raw
  if ('command' in raw) return { command: raw.command, cwd: resolve(raw.cwd) }
  return { compose: raw.compose, at: raw.file === undefined ? { folder: resolve('.') } : { file: resolve(raw.file) } }
}

/** Statements in a text of SQL, told by the semicolons outside of quotes and comments. */
function statementsIn(sql: string): number {
  const quotes = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]/
  const comments = /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/
  const bare = sql.replace(new RegExp(`${quotes.source}|${comments.source}`, 'g'), (part) => (/^[-/]/.test(part) ? ' ' : 'x'))
  return bare.split(';').filter((statement) => statement.trim() !== '').length
}

function isPattern(text: string): boolean {
  try {
    return !new RegExp(text).test('')
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function unknownKey(path: string, line: number, key: string): DrError {
  if (notYet.includes(key)) return invalid(`${path}:${line}: "${key}" is not known in this version`)
  const near = nearest(key, Object.keys(settings))
  return invalid(`${path}:${line}: unknown key "${key}"${near === null ? '' : `; the nearest known one is "${near}"`}`)
}

function notInThisVersion(what: string): DrError {
  return invalid(`${what}; this version copies to folders only`, 'Give --replica file:PATH.')
}

function invalid(what: string, next = 'Correct it; docs/config.md lists every setting.'): DrError {
  return new DrError('CONFIG_INVALID', { what, untouched: 'Nothing was done.', next })
}
