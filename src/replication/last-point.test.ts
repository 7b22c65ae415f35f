/** Where a log goes on after what was published, on logs that SQLite itself wrote and began anew. */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { damageFrame, forgetChecksums } from '../../test/support/log-frames.ts'
import { openFolderStore } from '../adapters/filesystem/object-store.ts'
import type { DatabaseBytes } from '../ports/live-database.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type CatalogueTimeline, newestComplete, readCatalogue } from '../replica/catalogue.ts'
import { fileKey } from '../replica/layout.ts'
import { encodeTimeline } from '../replica/timeline.ts'
import { findBase } from './base-scan.ts'
import { encodeFlush } from './flush.ts'
import { readLastPoint } from './last-point.ts'
import { findRestingEnd, readWalHeader } from './wal-tail.ts'

let folder = ''
let bot: DatabaseSync
let store: ObjectStore
let file: number
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-log-'))
  bot = new DatabaseSync(join(folder, 'bot.db'))
  bot.exec('PRAGMA page_size=512; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (a)')
  store = await openFolderStore('file:replica', join(folder, 'replica'))
  file = openSync(join(folder, 'bot.db'), 'r')
})
afterEach(() => {
  bot.close()
  closeSync(file)
  rmSync(folder, { recursive: true })
})

const commit = (times = 1): void => {
  for (let time = 0; time < times; time++) bot.exec('INSERT INTO t VALUES (randomblob(300))')
}
const beginAnew = (): void => {
  bot.exec('PRAGMA wal_checkpoint(PASSIVE)')
  commit()
}

// In this process SQLite has the database open, whose locks end when it is closed by whomever; those of the log have none.
async function withLog<T>(work: (bytes: DatabaseBytes) => T | Promise<T>): Promise<T> {
  const descriptor = openSync(join(folder, 'bot.db-wal'), 'r')
  try {
    return await work({
      readWal: (offset, into) => readSync(descriptor, into, 0, into.length, offset),
      readDatabase: (offset, into) => readSync(file, into, 0, into.length, offset),
      databaseBytes: () => 0,
    })
  } finally {
    closeSync(descriptor)
  }
}

/** A timeline whose only file ends at the last commit of the log as it is now. */
async function publishAll(): Promise<CatalogueTimeline> {
  const body = await withLog((bytes) => {
    const end = findBase(bytes, findRestingEnd(bytes), 512, 0)?.place ?? null
    const facts = {
      pageSize: 512,
      databasePages: 1,
      minTxid: 1,
      maxTxid: 1,
      commits: 1,
      firstCommitMs: 1,
      lastCommitMs: 1,
      rolling: 1n << 63n,
      fromFrame: 0,
      end,
    }
    return encodeFlush(facts, [[1, new Uint8Array(512)]])
  })
  await store.create(
    '00000001/timeline.json',
    encodeTimeline({ number: '00000001', id: 'a'.repeat(16), parent: null, database: null, createdAtMs: 1 }),
    1,
  )
  await store.create(fileKey('folder', '00000001', 9, 1, 1), body, 1)
  return newestComplete(await readCatalogue(store))
}

/** Frames before the place where the log goes on, or null; and how many it has. */
async function goesOn(
  timeline: CatalogueTimeline,
): Promise<{ readonly from: number | null; readonly of: number; readonly mayBeCut: boolean; readonly former?: readonly number[] }> {
  return withLog(async (bytes) => {
    const base = findBase(bytes, findRestingEnd(bytes), 512, 0)
    if (base === null) throw new Error('the log is at rest')
    const last = await readLastPoint(store, timeline, bytes, base)
    const former = last?.behind?.former
    return {
      from: last?.behind?.place.frames ?? null,
      of: base.place?.frames ?? 0,
      mayBeCut: last?.mayBeCut ?? false,
      ...(former == null ? {} : { former: [former.from.frames, former.frames] }),
    }
  })
}

describe('after what was published', () => {
  it('the log ends right behind it, by chance or because it was cut there -> it goes on, and it is said that it may have been cut', async () => {
    commit(20)
    const timeline = await publishAll()
    const { of } = await goesOn(timeline)
    beginAnew()
    expect(await goesOn(timeline)).toMatchObject({ from: 0, mayBeCut: true })
    commit()
    truncateSync(join(folder, 'bot.db-wal'), 32 + of * 536)
    expect(await goesOn(timeline)).toMatchObject({ from: 0, mayBeCut: true })
  })

  it('the log went on -> right after the last published frame', async () => {
    commit(5)
    const timeline = await publishAll()
    const { of } = await goesOn(timeline)
    commit(3)
    const now = await goesOn(timeline)
    expect(now).toEqual({ from: of, of: now.of, mayBeCut: false })
    expect(now.of).toBeGreaterThan(of)
  })

  it('the log began anew once, right there, and what stands behind is of a former one -> at the beginning of the new one', async () => {
    commit(40)
    beginAnew()
    commit(20)
    const timeline = await publishAll()
    beginAnew()
    expect(await goesOn(timeline)).toMatchObject({ from: 0 })
    commit(2)
    expect(await goesOn(timeline)).toMatchObject({ from: 0 })
  })

  it('commits stood behind it before the log began anew -> these first, then from the beginning of the new one', async () => {
    commit(40)
    beginAnew()
    commit(20)
    const timeline = await publishAll()
    const { of } = await goesOn(timeline)
    commit(3)
    const then = await goesOn(timeline)
    beginAnew()
    commit(2)
    expect(await goesOn(timeline)).toMatchObject({ from: 0, mayBeCut: false, former: [of, then.of] })
  })

  it('a bot died when its last commit was written and not told, and the next one began the log anew -> not proven', async () => {
    commit(20)
    const timeline = await publishAll()
    commit()
    const shm = readFileSync(join(folder, 'bot.db-shm'))
    bot.exec('DELETE FROM t WHERE rowid = 3')
    writeFileSync(join(folder, 'bot.db-shm'), shm, { flag: 'r+' })
    expect(bot.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 21 })
    beginAnew()
    expect(await goesOn(timeline)).toMatchObject({ from: null })
  })

  it('the same, and one of them rots, the first or one between -> not proven', async () => {
    commit(20)
    const timeline = await publishAll()
    const { of } = await goesOn(timeline)
    commit(5)
    const { of: end } = await goesOn(timeline)
    beginAnew()
    for (const rotten of [end - 2, of]) {
      expect(await goesOn(timeline)).toMatchObject({ from: 0, former: [of, end] })
      damageFrame(join(folder, 'bot.db'), rotten)
      expect(await goesOn(timeline)).toMatchObject({ from: null })
      damageFrame(join(folder, 'bot.db'), rotten)
    }
  })

  it.each(['went on', 'began anew once'])('frames without a checksum stand behind it, and the log %s -> not proven', async (then) => {
    commit(40)
    const timeline = await publishAll()
    const { of } = await goesOn(timeline)
    commit(2)
    bot.exec('PRAGMA wal_checkpoint(PASSIVE)')
    forgetChecksums(join(folder, 'bot.db'), of, of + 1)
    if (then === 'began anew once') {
      commit()
      return expect(await goesOn(timeline)).toMatchObject({ from: null })
    }
    const last = await withLog((bytes) => {
      const frames = Number(bot.prepare('PRAGMA wal_checkpoint=NOOP').get()?.['log'])
      const base = findBase(bytes, { frames, backfilled: frames, header: readWalHeader(bytes) }, 512, 0)
      return base === null ? null : readLastPoint(store, timeline, bytes, base)
    })
    expect(last).toMatchObject({ txid: 1, behind: null })
  })

  it('the log began anew twice -> not proven', async () => {
    commit(20)
    const timeline = await publishAll()
    beginAnew()
    beginAnew()
    expect(await goesOn(timeline)).toMatchObject({ from: null })
  })

  it('the new log has grown over the published frame -> not proven', async () => {
    commit(5)
    const timeline = await publishAll()
    beginAnew()
    commit(10)
    expect(await goesOn(timeline)).toMatchObject({ from: null })
  })

  it('a commit stood behind it, and the log was cut within it, before it, or to nothing (TRUNCATE) -> not proven', async () => {
    commit(20)
    const timeline = await publishAll()
    const { of } = await goesOn(timeline)
    commit()
    beginAnew()
    truncateSync(join(folder, 'bot.db-wal'), 32 + of * 536 + 100)
    expect(await goesOn(timeline)).toMatchObject({ from: null })
    bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    commit()
    expect(await goesOn(timeline)).toMatchObject({ from: null })
  })
})
