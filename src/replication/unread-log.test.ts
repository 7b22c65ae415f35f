/** The log of a bot that died, with a rotten frame in its middle: what stands behind it was committed, and SQLite says nothing of it. */
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { captureWorld, type ToldWorld } from '../../test/support/capture-world.ts'
import { damageFrame, framesOf } from '../../test/support/log-frames.ts'
import { openLogFile } from '../adapters/filesystem/log-file.ts'
import { openRestingDatabase } from '../adapters/filesystem/resting-database.ts'
import { frameOffset } from '../wal/header.ts'
import { Capture } from './capture.ts'
import type { CaptureEvent } from './capture-event.ts'
import type { CaptureWorld } from './capture-world.ts'
import { restingCapture } from './resting.ts'
import { findUnread } from './unread-log.ts'

const pageSize = 4096
let folder = ''
let bot: DatabaseSync
/** Where the bot lives; `dies` leaves its files at `dead`, as they are after kill -9. */
const alive = (): string => join(folder, 'alive.db')
const dead = (): string => join(folder, 'dead', 'bot.db')
const commit = (times: number): void => {
  for (let time = 0; time < times; time++) bot.exec('INSERT INTO t VALUES (randomblob(9000))')
}
const dies = (): void => {
  for (const suffix of ['', '-wal']) copyFileSync(`${alive()}${suffix}`, `${dead()}${suffix}`)
}
const unread = () => {
  const log = openLogFile(dead(), folder, () => true)
  try {
    return log === null ? null : findUnread(log)
  } finally {
    log?.close()
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-unread-'))
  mkdirSync(join(folder, 'dead'))
  bot = new DatabaseSync(alive())
  bot.exec(`PRAGMA page_size=${pageSize}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (x)`)
  commit(5)
})
afterEach(() => {
  bot.close()
  rmSync(folder, { recursive: true })
})

describe('a log', () => {
  it('that is sound -> nothing stands behind its end', () => {
    dies()
    expect(unread()).toBe(null)
  })

  it('whose last transaction was torn, at whatever frame -> nothing was committed behind the tear', () => {
    const whole = framesOf(alive())
    commit(1)
    dies()
    for (let frames = framesOf(alive()) - 1; frames > whole; frames--) {
      truncateSync(`${dead()}-wal`, frameOffset(frames, pageSize) + 1000)
      expect(unread()).toBe(null)
    }
  })

  it('that began anew over a longer one -> what stands behind its end is of the former one', () => {
    bot.exec('PRAGMA wal_checkpoint(RESTART)')
    commit(1)
    dies()
    expect(unread()).toBe(null)
  })

  it('with a rotten frame -> the commits behind it are counted; not the one that it is in the mark of', () => {
    const from = framesOf(alive())
    commit(3)
    dies()
    damageFrame(dead(), from)
    expect(unread()).toEqual({ frame: from + 1, commits: 3, offset: frameOffset(from, pageSize) })
    copyFileSync(`${alive()}-wal`, `${dead()}-wal`)
    damageFrame(dead(), framesOf(dead()) - 1)
    expect(unread()).toBe(null)
  })
})

describe('a log with a rotten header', () => {
  const spoilHeader = (at: number): void => {
    const file = openSync(`${dead()}-wal`, 'r+')
    writeSync(file, new Uint8Array([0x5a]), 0, 1, at)
    closeSync(file)
  }

  it.each([0, 8, 10, 16, 24])('at byte %d -> every commit that stands in it is counted', (at) => {
    dies()
    spoilHeader(at)
    expect(unread()).toEqual({ frame: 0, commits: 6, offset: 0 })
  })

  it('and nothing behind it -> there is nothing to be told of', () => {
    dies()
    spoilHeader(0)
    truncateSync(`${dead()}-wal`, 32)
    expect(unread()).toBe(null)
    truncateSync(`${dead()}-wal`, 0)
    expect(unread()).toBe(null)
  })
})

describe('a bot died, and a frame of its log rotted', () => {
  const world = (over: Partial<CaptureWorld> = {}): Promise<ToldWorld> => captureWorld(folder, dead(), over)
  const follow = async (over: Partial<CaptureWorld> = {}) => {
    const made = await world(over)
    const capture = await Capture.open(made, { takeOver: false, fork: null })
    const position = capture.position()
    await capture.letGo()
    return { position, events: made.events }
  }
  const copies = (): readonly string[] => readdirSync(folder).filter((name) => name.endsWith('.wal'))

  /** 10 more commits than the replica has, of which 7 stand behind the rotten frame. */
  beforeEach(async () => {
    dies()
    await follow()
    commit(3)
    const rotten = framesOf(alive())
    commit(7)
    dies()
    damageFrame(dead(), rotten)
  })

  it('it is drained at rest -> what can be read is copied, and nothing is called complete', async () => {
    const made = await world()
    const outcome = await restingCapture({ ...made, openAtRest: () => openRestingDatabase(dead()) }).drain()
    expect(outcome).toMatchObject({ complete: false, txid: 2 })
    expect(outcome.because).toMatch(
      /^3 commits were read from the log; at least 7 commits stand in the log behind frame \d+, which does not/,
    )
  })

  it('a capture attaches -> the log is kept as it was before the next commit overwrites it, once, and it is told at each attach', async () => {
    const before = readFileSync(`${dead()}-wal`)
    for (const _ of [1, 2]) {
      const { position, events } = await follow()
      const because = expect.stringContaining('at least 7 commits stand in the log')
      expect(events).toContainEqual({ type: 'warning', because })
      expect(position).toMatchObject({ continuous: false, trouble: because, damage: null })
      copyFileSync(`${alive()}-wal`, `${dead()}-wal`)
      damageFrame(dead(), unreadFrame(events))
    }
    expect(copies()).toHaveLength(1)
    expect(readFileSync(join(folder, copies()[0] ?? '')).equals(before)).toBe(true)
  })

  it('and there is no room for a copy -> it attaches all the same, and says so', async () => {
    const { position } = await follow({ openLog: () => openLogFile(dead(), folder, () => false) })
    expect(position.trouble).toContain('it is not kept: a copy of')
    expect(copies()).toEqual([])
  })
})

/** 0-based. */
function unreadFrame(events: readonly CaptureEvent[]): number {
  return Number(/behind frame (\d+)/.exec(JSON.stringify(events))?.[1]) - 1
}
