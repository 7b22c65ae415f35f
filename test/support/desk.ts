/** A trader's folder as a person has it: a configuration, a bot that trades, its capture, all by the command line. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDamageTarget } from '../../src/adapters/filesystem/damage.ts'
import { nodeClock } from '../../src/adapters/node/clock.ts'
import { entryPath } from '../../src/adapters/sandbox/sandbox.ts'
import { botChecks } from '../../src/drill/bot-schema.ts'
import type { DamageKind, DamagePlan } from '../../src/drill/damage.ts'
import { holdDamage } from '../../src/drill/inflict.ts'
import { decodeWitness, type WitnessCommit } from '../../src/drill/witness.ts'
import { type Child, childGroup, type Start } from '../hosts/children.ts'
import { cliEntry, genesis, type RunOptions, type Said } from './cli.ts'
import { inflictOnceItCan } from './inflict.ts'
import { until } from './system.ts'

export interface Desk {
  readonly folder: string
  readonly database: string
  readonly state: string
  /** `genesis-dr WORDS` in the folder. */
  run(words: readonly string[], options?: RunOptions): Promise<Said>
  /** The same with --json; the one value that it printed. */
  json(
    words: readonly string[],
    options?: RunOptions,
  ): Promise<{ readonly status: number | null; readonly value: Record<string, unknown> & unknown[] }>
  /** Changes the configuration: keys given here replace those that stand. */
  configure(settings: Readonly<Record<string, unknown>>): void
  /** A capture by the command line; resolves when it is attached. */
  replicate(...words: readonly string[]): Promise<Child>
  acknowledged(): readonly WitnessCommit[]
  /** Done, and kept standing whatever the bot writes, until `seen` is called. */
  damage(kind?: DamageKind): Promise<{ readonly plan: DamagePlan; readonly seen: () => Promise<void> }>
  clear(): Promise<void>
}

/** `start`: as `children()` gives it. The bot trades when this resolves. */
export async function openDesk(start: Start, rate = 150): Promise<Desk> {
  const folder = mkdtempSync(join(tmpdir(), 'genesis-dr-desk-'))
  const database = join(folder, 'bot.db')
  const witness = join(folder, 'witness.jsonl')
  const command = [
    process.execPath,
    entryPath('drill-bot'),
    '--db',
    database,
    '--witness',
    witness,
    '--rate',
    `${rate}`,
    '--history',
    '4000',
    '--leash',
    `${process.pid}`,
  ]
  let settings: Record<string, unknown> = {
    name: 'desk',
    database: 'bot.db',
    replica: 'file:./replica',
    service: { command },
    checks: botChecks,
  }
  const configure: Desk['configure'] = (changes) => {
    settings = { ...settings, ...changes }
    // JSON is YAML.
    writeFileSync(join(folder, 'genesis-dr.yaml'), JSON.stringify(settings, null, 2))
  }
  configure({})
  const run: Desk['run'] = (words, options = {}) => genesis(words, { cwd: folder, ...options })
  const desk: Desk = {
    folder,
    database,
    state: join(folder, '.genesis'),
    run,
    json: async (words, options) => {
      const { status, stdout } = await run([...words, '--json'], options)
      return { status, value: JSON.parse(stdout) }
    },
    configure,
    replicate: async (...words) => {
      const child = start(process.execPath, [cliEntry, 'replicate', '--json', '--config', join(folder, 'genesis-dr.yaml'), ...words])
      await child.line(/"attached"/)
      return child
    },
    acknowledged: () => (existsSync(witness) ? decodeWitness(readFileSync(witness, 'utf8')).commits : []),
    damage: async (kind = 'overwritten-range') => {
      const target = openDamageTarget(database)
      const damage = await inflictOnceItCan(kind, target)
      const seen = new AbortController()
      const held = holdDamage(damage, target, nodeClock, seen.signal)
      return {
        plan: damage.plan,
        seen: async () => {
          seen.abort()
          await held
          target.close()
        },
      }
    },
    clear: async () => {
      await run(['stop-trading', '--yes', 'desk'])
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
    },
  }
  const started = await run(['resume-trading', '--yes', 'desk'])
  if (started.status !== 2) throw new Error(`a bot without a database is not started, but it said: ${started.stdout}${started.stderr}`)
  const bot = start(command[0] ?? '', command.slice(1), { cwd: folder })
  await bot.line(/ready/)
  await until(() => desk.acknowledged().length > 20, 'the first trades')
  return desk
}

/** A desk for one test, also beside others that go on. */
export async function withDesk(story: (desk: Desk, start: Start) => Promise<void>): Promise<void> {
  const { start, endAll } = childGroup()
  try {
    const desk = await openDesk(start)
    try {
      await story(desk, start)
    } finally {
      // Nobody writes there any more when it is removed.
      await endAll()
      await desk.clear()
    }
  } finally {
    await endAll()
  }
}
