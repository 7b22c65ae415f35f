/** Rot in a database that a bot trades on: every damaged page is found, and no sound one is called damaged. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { seededRandom } from '../../src/drill/seeded-random.ts'
import { isDrError } from '../../src/errors.ts'
import type { ScrubOutcome } from '../../src/ports/capture-control.ts'
import { describeWith, python } from '../needs.ts'
import { type Capture, clear, end, makeSystem, startCapture, startWriter, type TestSystem } from '../support/system.ts'

vi.setConfig({ testTimeout: 900_000 })

/** Of single bytes. The campaign (npm run campaign:scrub) does 10,000. */
const flips = Number(process.env['GENESIS_DR_FLIPS'] ?? 600)
const seed = Number(process.env['GENESIS_DR_SEED'] ?? 7)
const batch = 200

let system: TestSystem
let bot: DatabaseSync
let capture: Capture
/** Stays open while SQLite has the file: closing it would drop the locks of this process. */
let file = -1
const client = () => captureClient(system.settings.captureFolder)

/** While the capture attaches anew it is not there to be asked. */
async function scrubbed(): Promise<Pick<ScrubOutcome, 'damaged' | 'judged' | 'because'>> {
  try {
    return await client().scrub()
  } catch (error) {
    if (!isDrError(error, 'CAPTURE_STUCK')) throw error
    return { damaged: [], judged: 0, because: error.message }
  }
}

/** Two tables of old rows: one that nobody touches, and one of which some row is written again all the time. */
function fill(pageSize: number, rows: number): void {
  bot = new DatabaseSync(system.database, { timeout: 5000 })
  bot.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL`)
  for (const table of ['history', 'orders']) {
    bot.exec(`CREATE TABLE ${table} (id INTEGER PRIMARY KEY, state INTEGER, payload BLOB)`)
    const ids = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${table === 'orders' ? rows / 20 : rows})`
    bot.exec(`${ids} INSERT INTO ${table} SELECT i, 0, randomblob(${Math.floor(pageSize / 3)}) FROM n`)
  }
  bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
}

const pagesOf = (table: string): readonly number[] =>
  bot
    .prepare("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf'")
    .all(table)
    .map(({ pageno }) => Number(pageno))

beforeEach(() => {
  system = makeSystem()
})
afterEach(async () => {
  await clear(system)
  bot.close()
  if (file !== -1) closeSync(file)
  file = -1
})

describeWith([python], 'a bot trades on a file that rots', () => {
  it(`${flips} random bytes are flipped -> each is found within a turn, but for pages that were written again, and nothing else is`, async () => {
    console.log(`seed ${seed}: repeat with GENESIS_DR_SEED=${seed}`)
    const random = seededRandom(seed)
    const pageSize = 1024
    fill(pageSize, 20_000)
    const [cold, warm] = [pagesOf('history'), pagesOf('orders')]
    await startWriter(system, '--rate', '200')
    capture = await startCapture(system)
    file = openSync(system.database, 'r+')
    const one = new Uint8Array(1)
    const orders = bot.prepare('UPDATE orders SET state = state + 1 WHERE id = ?')
    // A row whose page was hit can be beyond SQLite's reading; the bot goes on with another one.
    const rewriting = setInterval(() => {
      try {
        orders.run(1 + random.below(1000))
      } catch {
        return
      }
    }, 5)
    const spoilt = new Set<number>()
    const seen = { found: 0, writtenAgain: 0, checks: 0 }
    try {
      for (let done = 0; done < flips; done += batch) {
        const hit = new Map<number, { readonly offset: number; readonly before: number; readonly after: number }>()
        while (hit.size < batch) {
          const from = hit.size % 10 === 0 && spoilt.size < warm.length / 2 ? warm : cold
          const page = from[random.below(from.length)] ?? 0
          const offset = (page - 1) * pageSize + random.below(pageSize)
          if (hit.has(page) || spoilt.has(page)) continue
          readSync(file, one, 0, 1, offset)
          const before = one[0] ?? 0
          const after = before ^ (1 << random.below(8))
          writeSync(file, Uint8Array.of(after), 0, 1, offset)
          hit.set(page, { offset, before, after })
        }
        const { damaged, because, judged, waiting, of, reads } = await client().scrub()
        expect([because, judged + waiting >= of, reads]).toEqual([null, true, 'direct'])
        expect(damaged.filter((page) => !hit.has(page) && !spoilt.has(page))).toEqual([])
        const missed = [...hit.keys()].filter((page) => !damaged.includes(page))
        // Only a page that is written again all the time may have been, after it was hit and before it was looked at.
        expect(missed.filter((page) => !warm.includes(page))).toEqual([])
        seen.found += hit.size - missed.length
        seen.writtenAgain += missed.length
        seen.checks += judged
        // What the bot has written since is the bot's: what once stood there would be another damage.
        for (const [page, { offset, before }] of hit) if (!warm.includes(page)) writeSync(file, Uint8Array.of(before), 0, 1, offset)
        for (const page of hit.keys()) if (warm.includes(page)) spoilt.add(page)
        const healed = await client().scrub()
        seen.checks += healed.judged
        expect(healed.damaged.filter((page) => !spoilt.has(page))).toEqual([])
      }
    } finally {
      clearInterval(rewriting)
    }
    console.log(`${seen.found} found, ${seen.writtenAgain} written again, ${seen.checks} page checks`)
    expect(seen.found).toBeGreaterThan(flips * 0.9)
  })

  it.each([512, 4096, 65_536])(
    'VACUUM, checkpoints of every kind and reconnects, pages of %i bytes -> no sound page is ever called damaged',
    async (pageSize) => {
      fill(pageSize, Math.min(20_000, 40_000_000 / pageSize))
      await startWriter(
        system,
        '--rate',
        '0',
        '--vacuum-every',
        '0.7',
        '--reconnect-every',
        '0.5',
        '--checkpoint-every',
        '0.1',
        '--page-size',
        `${pageSize}`,
      )
      capture = await startCapture(system)
      const until = performance.now() + (flips >= 10_000 ? 120_000 : 4000)
      let checks = 0
      let away = 0
      // A machine with much else to do takes longer; the limit of the test is the end.
      while (performance.now() < until || checks <= 1000) {
        const { damaged, judged, because } = await scrubbed()
        expect(damaged).toEqual([])
        if (because === null) checks += judged
        else away++
      }
      console.log(`${pageSize}: ${checks} page checks without an alarm; ${away} times the capture looked at the whole anew`)
      expect(checks).toBeGreaterThan(1000)
      await end(system, capture.process, 'SIGTERM')
    },
  )
})
