/** Pins on a real database, whose log has grown so far that it is to become small again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeClock } from '../adapters/node/clock.ts'
import { openLiveDatabase } from '../adapters/sqlite/live-database.ts'
import type { LiveDatabase } from '../ports/live-database.ts'
import { checkpointBytes, Pins } from './pins.ts'
import { findLogEnd } from './wal-tail.ts'

let folder = ''
let bot: DatabaseSync
let reader: DatabaseSync
let database: LiveDatabase
let pins: Pins
let nowMs = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-pins-'))
  const path = join(folder, 'bot.db')
  bot = new DatabaseSync(path)
  bot.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x)')
  reader = new DatabaseSync(path)
  database = openLiveDatabase(path)
  database.locks.pin(0)
  // Whoever reads the log has read all of it.
  const everything = { hasReadTo: () => true, readOn: () => findLogEnd(database.locks, database.bytes) }
  pins = new Pins(database.locks, { ...nodeClock, monotonicMs: () => nowMs }, everything, 4096)
})
afterEach(() => {
  database.close()
  for (const connection of [reader, bot]) connection.close()
  rmSync(folder, { recursive: true })
})

/** One look: how many frames the file has now; null: nothing was checkpointed. */
const look = (): number | null => pins.tend(findLogEnd(database.locks, database.bytes))?.frames ?? null
const grow = (): void => bot.exec(`INSERT INTO t VALUES (zeroblob(${checkpointBytes}))`)
const frames = (): number => database.locks.walEnd().frames
const commit = (): void => bot.exec('INSERT INTO t VALUES (1)')
const read = (): void => {
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM t').get()
}

describe('the log has grown', () => {
  it('nobody is in the way -> it is in the file, and the next commit begins it anew', () => {
    grow()
    expect(look()).toBe(frames())
    commit()
    expect(frames()).toBeLessThan(10)
  })

  it('a reader cuts the checkpoint short and is gone -> it is finished at the very next look', () => {
    grow()
    read()
    commit()
    expect(look()).toBeLessThan(frames())
    reader.exec('ROLLBACK')
    expect(look()).toBe(frames())
    commit()
    expect(frames()).toBeLessThan(10)
  })

  it('a reader stays -> after a few looks writers are asked to wait once a second only, until it is gone', () => {
    grow()
    read()
    commit()
    const tries = Array.from({ length: 100 }, look).filter((tried) => tried !== null)
    expect(tries).toHaveLength(3)
    nowMs += 1001
    expect([look(), look()]).toEqual([tries[0], null])
    reader.exec('ROLLBACK')
    expect(look()).toBe(null)
    nowMs += 1001
    expect(look()).toBe(frames())
  })
})
