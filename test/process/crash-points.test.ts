/**
 * The capture is killed at every point of every story, and suspended at every one of them: before each call that changes something on the disk
 * or of a lock, down to the single call of the file system, and after the last one. No point is chosen here: a first life tells those that it
 * passes. What is after a call is before the next, because what lies between is only in the memory that dies; and to whom a process dies, but
 * not the machine, a sync changes nothing. GENESIS_DR_CRASH=every takes these too, with each kind of bot at each point.
 * Not among the points: the single writes that SQLite makes within a checkpoint or a recovery of its own.
 */
import { join } from 'node:path'
import { afterAll, expect, it, vi } from 'vitest'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { sentenceOf } from '../../src/errors.ts'
import { readCatalogue } from '../../src/replica/catalogue.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { requireSamePages } from '../storm/proof.ts'
import { clearDesk, commit, commitPatiently, type Desk, killLife, type Life, live, makeDesk, type Point } from '../support/crash-life.ts'
import { type Bot, bots, type Story, stories } from '../support/crash-stories.ts'
import { type Listed, listing } from '../support/oracles.ts'
import { shareOf, shareTold } from '../support/share.ts'
import { end, pause, query, restoreNewest, startCapture, until } from '../support/system.ts'

const every = process.env['GENESIS_DR_CRASH'] === 'every'
vi.setConfig({ testTimeout: every ? 3_600_000 : 120_000 })

/** Chosen: a life mostly waits, for a start, a disk or a cadence. */
const lanes = 4

interface Killed {
  readonly objects: readonly Listed[]
  readonly life: Life
}

/** Runs the story until `point`, and ends the capture there. null: it was not passed. */
async function killAt(desk: Desk, story: Story, point: string, bot: Bot): Promise<Killed | null> {
  await story.before?.(desk)
  let objects: readonly Listed[] | null = null
  const life = live(desk, [point], (at, child) => {
    if (bot !== 'is silent') mayCommit(desk, at)
    objects = listing(desk.system.replica)
    child.kill('SIGKILL')
  })
  await played(desk, story, life)
  await killLife(desk, life)
  return objects === null ? null : { objects, life }
}

/** Ends with the story, or with the process where that comes first. */
async function played(desk: Desk, story: Story, life: Life): Promise<void> {
  if (story.armed === 'at its start') life.arm()
  const playing = async (): Promise<void> => {
    if (story.armed === 'when attached') {
      await life.heard('attached')
      await pause(60)
      life.arm()
    }
    await story.play(desk, life)
  }
  let failure: unknown = null
  const told = playing().catch((error: unknown) => {
    failure = error
  })
  await Promise.race([told, life.ended])
  if (life.failure() !== null) throw life.failure()
  if (failure !== null && life.process.exitCode === null && life.process.signalCode === null && !life.process.killed) throw failure
}

/** A bot without patience: it waits for nobody, but for a lock that the supervisor counts the time of. */
function mayCommit(desk: Desk, { point, locking }: Point): void {
  if (commit(desk) === 'busy') expect([point, locking]).toEqual([point, true])
}

async function expectWhole(desk: Desk, story: Story, { objects, life }: Killed, again: (desk: Desk) => Promise<void>): Promise<string> {
  const { system, client } = desk
  const capture = await startCapture(system)
  expect(capture.errors()).toBe('')
  await again(desk)
  expect(await client.drain()).toMatchObject({ complete: true })
  await client.letGo()
  await client.resume(null)
  const startsOf = () => capture.events.filter(({ type }) => type === 'attached').map((event) => event.do)
  // What it tells comes by another way than its answers.
  await until(() => startsOf().length > 1, 'the word that it follows again')
  const starts = startsOf()
  expect(['continue', 'adopt']).toContain(starts.at(-1))
  await commitPatiently(desk)
  expect(await client.drain()).toMatchObject({ complete: true })
  expect(await client.position()).toMatchObject({ continuous: true, damage: null, trouble: null })
  await end(system, capture.process, 'SIGKILL')
  const catalogue = await readCatalogue(await openFolderStore('file:replica', system.replica))
  expect(catalogue.timelines.filter(({ complete }) => !complete)).toEqual([])
  expect(catalogue.timelines).toHaveLength(story.timelines)
  for (const { timeline, txid } of life.flushed) {
    expect(catalogue.timelines.find(({ number }) => number === timeline)?.latestTxid).toBeGreaterThanOrEqual(txid)
  }
  const now = listing(system.replica)
  for (const object of objects) if (!object.name.endsWith('.tmp')) expect(now).toContainEqual(object)
  const { path } = await restoreNewest(system, 'restored.db')
  requireSamePages(system.database, path, join(system.folder, 'scratch.db'))
  expect(query(path, 'PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  return String(starts[0])
}

async function pointsOf(desk: Desk, story: Story): Promise<readonly string[]> {
  await story.before?.(desk)
  const life = live(desk, null, () => undefined)
  await played(desk, story, life)
  await killLife(desk, life)
  return life.points.map(({ point }) => point).filter((point) => story.counts?.(point) ?? true)
}

/** Those that may leave behind what no other does. */
const distinct = (points: readonly string[]): readonly string[] =>
  every ? points : points.filter((point, at) => at === points.length - 1 || /^before (?!sync|datasync|utimes|close|chmod)/.test(point))

function deathsOf(points: readonly string[], among: readonly Bot[], of: string): readonly (readonly [string, Bot])[] {
  const turn = (at: number): readonly Bot[] => (every ? among : among.slice(at % among.length).slice(0, 1))
  const all = points.flatMap((point, at) => turn(at).map((bot) => [point, bot] as const))
  // Not as many as there are bots: each share has points with each of them.
  return every ? all : shareOf(all, 4, of)
}

async function inLanes<T>(work: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  const rest = [...work]
  const lane = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await each(next)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

let killed = 0
let suspended = 0
afterAll(() => console.log(`killed at ${killed} points, suspended at ${suspended}; ${shareTold}`))

/** Suspended at each of `points`, once each, and woken when the bot has made two commits. Points passed, and those at which the bot was held up. */
async function suspendAt(desk: Desk, story: Story, points: readonly string[]): Promise<{ readonly passed: number; readonly held: number }> {
  let [passed, held] = [0, 0]
  const loud = points.slice(points.indexOf(story.quietUntil ?? ''))
  await story.before?.(desk)
  const life = live(desk, points, ({ point, locking }, child) => {
    passed++
    const outcomes = loud.includes(point) || story.quietUntil === undefined ? [commit(desk), commit(desk)] : []
    if (outcomes.includes('busy')) {
      held++
      expect([point, locking]).toEqual([point, true])
    }
    child.kill('SIGCONT')
  })
  await played(desk, story, life)
  await killLife(desk, life)
  const objects = listing(desk.system.replica)
  await expectWhole(desk, story, { objects, life }, async () => {})
  return { passed, held }
}

const inDesk = async <T>(story: Story, work: (desk: Desk) => Promise<T>): Promise<T> => {
  const desk = makeDesk(story.pageSize ?? 4096)
  try {
    return await work(desk)
  } finally {
    await clearDesk(desk)
  }
}

async function dieAt(story: Story, point: string, bot: Bot): Promise<string | null> {
  return inDesk(story, async (desk) => {
    const killed = await killAt(desk, story, point, bot)
    if (killed === null) return null
    await story.after?.(desk)
    if (bot !== 'is silent') expect(commit(desk)).toBe('committed')
    if (bot === 'goes on, and cuts its log') {
      desk.bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      expect(commit(desk)).toBe('committed')
    }
    return expectWhole(desk, story, killed, story.again ?? (async () => {}))
  })
}

describeWith([linuxProc], 'the capture is suspended, and killed, at each call that changes something, in', () => {
  it.each(Object.entries(stories))('%s -> no bot waits, nothing is lost, nothing is begun twice', async (name, story) => {
    const began = performance.now()
    const all = await inDesk(story, (desk) => pointsOf(desk, story))
    const { passed, held } = await inDesk(story, (desk) => suspendAt(desk, story, all))
    const wrong: string[] = []
    const starts = new Map<string, number>()
    const quiet = all.slice(0, Math.max(0, all.indexOf(story.quietUntil ?? '')))
    const deaths = deathsOf(distinct(all), story.bots ?? bots, name)
    await inLanes(deaths, async ([point, turn]) => {
      const bot = quiet.includes(point) ? 'is silent' : turn
      try {
        const start = (await dieAt(story, point, bot)) ?? (await dieAt(story, point, bot)) ?? 'not passed'
        starts.set(start, (starts.get(start) ?? 0) + 1)
        if (start !== 'not passed') killed++
      } catch (error) {
        wrong.push(`${point}, and the bot ${bot}: ${sentenceOf(error)}`)
      }
    })
    suspended += passed
    const took = Math.round(performance.now() - began)
    console.log(
      `${name}: suspended at ${passed} of ${all.length} points, the bot held up at ${held}; the next starts were ${JSON.stringify([...starts])}; ${took} ms`,
    )
    expect(wrong).toEqual([])
    // A file event, a cadence or a checkpoint may come at another moment than in the life that told the points.
    expect(passed).toBeGreaterThan(0.9 * all.length)
    expect(starts.get('not passed') ?? 0).toBeLessThanOrEqual(0.2 * deaths.length)
  })
})
