/**
 * A capture that is killed and started again beside a large database: how soon a commit is durable again. Time runs from the start of the
 * process; the bot commits at the moment at which the capture says that it is attached.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { must } from '../src/assert.ts'
import type { CaptureSettings } from '../src/compose-capture.ts'
import { captureFolderOf, defaultFlushMs, type Place } from './copiers.ts'
import { largeDatabase } from './large-database.ts'
import { manyPoints } from './many-points.ts'
import { cpuMs, inRepository, run, start, timeOf } from './processes.ts'
import { mib, ms, type Row, row, times } from './report.ts'
import { median } from './statistics.ts'
import type { World } from './world.ts'

/** The program as it is published, and as a clone runs it. */
const compiled = inRepository('dist/entries/capture.js')
const sources = inRepository('src/entries/capture.ts')

interface Resumed {
  /** How it went on. */
  readonly do: string
  readonly attachedMs: number
  /** The first commit after that is durable. */
  readonly flushedMs: number
  /** Processor time until then: what a machine that others use does not change. */
  readonly cpuMs: number
  readonly snapshots: number
}

interface Changed extends Resumed {
  /** Reading the file once, and writing as many pages as were published, durably. */
  readonly readMs: number
  readonly writeMs: number
  readonly pages: number
}

const pageSize = 4096
/** Chosen: what a bot of one day changes in a database of years; it is spread over all of it. */
const changedPages = 2000
/** Chosen: a quarter of an hour of a bot that writes all the time; an hour of it takes this benchmark two minutes to make. */
const restorePoints = 18_000
const unchangedTargetMs = 300

export async function resume(world: World): Promise<readonly Row[]> {
  const original = await largeDatabase(world)
  const folder = join(world.work, 'resume')
  const place = { folder, database: join(folder, 'bot.db'), replica: join(folder, 'replica') }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  world.progress('compiling the program as it is published')
  await run(process.execPath, inRepository('node_modules/typescript/bin/tsc'), '-p', inRepository('tsconfig.build.json'))
  world.progress('copying the database, and making its snapshot')
  await run('cp', original.database, place.database)
  const bot = new DatabaseSync(place.database)
  try {
    return await rounds(world, place, bot)
  } finally {
    bot.close()
    rmSync(folder, { recursive: true })
  }
}

async function rounds(world: World, place: Place, bot: DatabaseSync): Promise<readonly Row[]> {
  bot.exec('PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=1000; CREATE TABLE IF NOT EXISTS ticks (n)')
  await killed(place, bot)
  const unchanged: Resumed[] = []
  const fromSources: Resumed[] = []
  const unchangedWithout: Resumed[] = []
  const changed: Changed[] = []
  const changedCold: Changed[] = []
  const changedWithout: Changed[] = []
  for (let round = 1; round <= world.rounds; round++) {
    world.progress(`killed and started again, round ${round} of ${world.rounds}`)
    unchanged.push(await killed(place, bot))
    fromSources.push(await killed(place, bot, sources))
    changed.push(await afterChange(place, bot, round))
    changedCold.push(await afterChange(place, bot, round + world.rounds, forgotten))
    rmSync(join(captureFolderOf(place), 'page-sums'))
    unchangedWithout.push(await killed(place, bot))
    rmSync(join(captureFolderOf(place), 'page-sums'))
    changedWithout.push(await afterChange(place, bot, -round))
  }
  world.progress(`the same with ${restorePoints.toLocaleString('en')} restore points in the replica`)
  manyPoints(join(place.replica, '00000001/ltx/0'), restorePoints)
  // The first one sums up what the many brought, and keeps it.
  await killed(place, bot)
  const after: Resumed[] = []
  for (let round = 1; round <= world.rounds; round++) after.push(await killed(place, bot))
  const subject = `resume, ${mib(statSync(place.database).size)}`
  return [
    unchangedRow(subject, 'unchanged meanwhile', unchanged),
    unchangedRow(subject, 'the same, run from a clone (types stripped at each start)', fromSources),
    unchangedRow(subject, `the same, ${restorePoints.toLocaleString('en')} restore points`, after),
    unchangedRow(subject, 'the same, page checksums deleted', unchangedWithout),
    ...changedRows(subject, 'continuity lost', changed),
    ...changedRows(subject, 'the same, and the file is not in memory', changedCold),
    ...changedRows(subject, 'the same, page checksums deleted', changedWithout),
  ]
}

function unchangedRow(subject: string, figure: string, all: readonly Resumed[]): Row {
  const flushed = median(all.map((one) => one.flushedMs))
  const snapshots = all.reduce((sum, one) => sum + one.snapshots, 0)
  const how = `${[...new Set(all.map((one) => one.do))].join(', ')}; ${snapshots} snapshots`
  const text = `first flush ${ms(flushed)} (rounds: ${all.map((one) => ms(one.flushedMs)).join(', ')}), attached ${ms(median(all.map((one) => one.attachedMs)))}, CPU ${ms(median(all.map((one) => one.cpuMs)))}; ${how}`
  return row(subject, figure, text, `<= ${unchangedTargetMs} ms, no snapshot`, flushed <= unchangedTargetMs && snapshots === 0)
}

function changedRows(subject: string, figure: string, all: readonly Changed[]): readonly Row[] {
  const ratio = median(all.map((one) => one.attachedMs / (one.readMs + one.writeMs)))
  const over = (of: (one: Changed) => number): string => ms(median(all.map(of)))
  const how = [...new Set(all.map((one) => `${one.do}, ${one.snapshots} snapshots`))].join('; ')
  const text = `${times(ratio)}: attached after ${over((one) => one.attachedMs)} (CPU ${over((one) => one.cpuMs)}); reading ${over((one) => one.readMs)}, writing ${median(all.map((one) => one.pages))} pages ${over((one) => one.writeMs)} (${how})`
  return [row(subject, figure, text, '<= 1x reading the file + the changed pages', ratio <= 1)]
}

/** As after a reboot: the kernel has none of the file in memory. */
const forgotten = (path: string): Promise<number> => timeOf('dd', `if=${path}`, 'iflag=nocache', 'count=0', 'status=none')

type Before = (path: string) => Promise<unknown>

async function afterChange(place: Place, bot: DatabaseSync, round: number, before: Before = () => Promise.resolve()): Promise<Changed> {
  const rows = Number(bot.prepare('SELECT max(id) AS rows FROM trades').get()?.['rows'])
  bot.prepare('UPDATE trades SET fee = ? WHERE id % ? = 0').run(`${round}`, Math.floor(rows / changedPages))
  bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  commit(bot)
  await before(place.database)
  const readMs = await timeOf('dd', `if=${place.database}`, 'of=/dev/null', 'bs=1M', 'status=none')
  await before(place.database)
  const resumed = await killed(place, bot)
  const out = join(place.folder, 'written')
  const pages = changedPages
  const writeMs = await timeOf(
    'dd',
    `if=${place.database}`,
    `of=${out}`,
    `bs=${pageSize}`,
    `count=${pages}`,
    'conv=fdatasync',
    'status=none',
  )
  rmSync(out)
  return { ...resumed, readMs, writeMs, pages }
}

function commit(bot: DatabaseSync): void {
  bot.exec('INSERT INTO ticks VALUES (1)')
}

/** Started, followed until the first flush, and killed. */
async function killed(place: Place, bot: DatabaseSync, entry = compiled): Promise<Resumed> {
  const before = snapshotsIn(place)
  const began = performance.now()
  const told: { how: string; attachedMs: number | null; flushedMs: number | null; cpu: number } = {
    how: '',
    attachedMs: null,
    flushedMs: null,
    cpu: 0,
  }
  const capture = start(
    process.execPath,
    [entry],
    (line) => {
      const event = JSON.parse(line)
      if (event.type === 'attached') {
        told.how = event.do
        told.attachedMs = performance.now() - began
        commit(bot)
      } else if (event.type === 'flushed') {
        told.flushedMs ??= performance.now() - began
        told.cpu = cpuMs(capture.pid)
        capture.signal('SIGKILL')
      }
    },
    `${JSON.stringify(settingsOf(place))}\n`,
  )
  await capture.ended
  return {
    do: told.how,
    attachedMs: must(told.attachedMs, `it attached: ${capture.errors()}`),
    flushedMs: must(told.flushedMs, `it flushed: ${capture.errors()}`),
    cpuMs: told.cpu,
    snapshots: snapshotsIn(place) - before,
  }
}

function snapshotsIn({ replica }: Place): number {
  const folder = join(replica, '00000001/ltx/9')
  return existsSync(folder) ? readdirSync(folder).length : 0
}

function settingsOf(place: Place): CaptureSettings {
  return {
    database: place.database,
    replica: { url: `file:${place.replica}`, path: place.replica },
    captureFolder: captureFolderOf(place),
    flushIntervalMs: defaultFlushMs,
    scrubTurnMs: 3_600_000,
    walLimitBytes: 1024 ** 3,
    freeSpaceBytes: 0,
  }
}
