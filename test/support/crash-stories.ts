/** What a capture lives through while it is killed or suspended: each story begins with a database of its own, and is short. */
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openFolderStore } from '../../src/adapters/filesystem/object-store.ts'
import { outputFiles } from '../../src/adapters/filesystem/output-file.ts'
import { newestComplete, readCatalogue } from '../../src/replica/catalogue.ts'
import { planRestore } from '../../src/replica/plan.ts'
import { restoreFile } from '../../src/restore/restore-file.ts'
import { commitPatiently, type Desk, type Life, openBot } from './crash-life.ts'
import { end, pause, startCapture } from './system.ts'

/** What the bot does at the point and after it. */
export const bots = ['is silent', 'goes on', 'goes on, and cuts its log'] as const
export type Bot = (typeof bots)[number]

export interface Story {
  readonly pageSize?: number
  /** What was before this life. */
  readonly before?: (desk: Desk) => Promise<void>
  readonly armed: 'at its start' | 'when attached'
  /** What happens in it; killed anywhere in it. */
  readonly play: (desk: Desk, life: Life) => Promise<void>
  /** Before the next capture: what whoever killed this one would do. */
  readonly after?: (desk: Desk) => Promise<void>
  /** When the next capture is there. */
  readonly again?: (desk: Desk) => Promise<void>
  readonly bots?: readonly Bot[]
  /** Before that point the bot commits nothing. */
  readonly quietUntil?: string
  /** Timelines in the end. */
  readonly timelines: number
  /** False: left out, because it is in another story. */
  readonly counts?: (point: string) => boolean
}

async function lifeBefore(desk: Desk, flushes = 2): Promise<void> {
  const capture = await startCapture(desk.system)
  for (let flush = 0; flush < flushes; flush++) {
    await commitPatiently(desk)
    await desk.client.drain()
  }
  await end(desk.system, capture.process, 'SIGKILL')
}

const attaches = async (_desk: Desk, life: Life): Promise<void> => {
  await life.heard('attached')
  // The first look at the log is a part of it.
  await pause(100)
}

/** Its first steps are the same whatever it meets. */
const ofTheAttach = (point: string): boolean => !/capture\.(lock|sock)|locks|database|bot\.db( |$)/.test(point)

export const stories: Readonly<Record<string, Story>> = {
  'attach to an empty replica': { armed: 'at its start', play: attaches, timelines: 1 },
  'two flushes': {
    armed: 'when attached',
    play: async (desk, life) => {
      for (const flush of [1, 2]) {
        await commitPatiently(desk)
        await life.heard('flushed', flush)
      }
      await pause(30)
    },
    timelines: 1,
  },
  'a drain': {
    armed: 'when attached',
    play: async (desk) => {
      await commitPatiently(desk)
      await desk.client.drain()
    },
    timelines: 1,
  },
  'the end by SIGTERM': {
    armed: 'when attached',
    play: async (desk, life) => {
      await commitPatiently(desk)
      life.process.kill('SIGTERM')
      await life.ended
    },
    timelines: 1,
  },
  'the checkpoints of a log of 32 MiB': {
    pageSize: 65536,
    before: async ({ bot }) => {
      bot.exec('CREATE TABLE bulk (n INTEGER PRIMARY KEY, x)')
      for (let row = 0; row < 48; row++) bot.exec('INSERT INTO bulk (x) VALUES (zeroblob(60000))')
      bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    },
    armed: 'when attached',
    play: async (desk, life) => {
      for (let round = 0; round < 14; round++) {
        for (;;) {
          try {
            desk.bot.exec('UPDATE bulk SET x = zeroblob(60000 + abs(random() % 100))')
            break
          } catch (error) {
            if (!(error instanceof Error && error.message.includes('locked'))) throw error
            await pause(1)
          }
        }
      }
      await life.heard('checkpointed')
      await commitPatiently(desk)
      await desk.client.drain()
      await pause(60)
    },
    timelines: 1,
    counts: (point) => /locks|bot\.db/.test(point),
  },
  'attach, and the log went on': {
    before: async (desk) => {
      await lifeBefore(desk)
      await commitPatiently(desk)
    },
    armed: 'at its start',
    play: attaches,
    timelines: 1,
    counts: ofTheAttach,
  },
  'attach, and the log is another': {
    before: async (desk) => {
      await lifeBefore(desk)
      await commitPatiently(desk)
      desk.bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      await commitPatiently(desk)
    },
    armed: 'at its start',
    play: attaches,
    timelines: 1,
    counts: ofTheAttach,
  },
  'attach, and everything was rewritten unseen': {
    before: async (desk) => {
      await lifeBefore(desk)
      desk.bot.exec('UPDATE t SET x = randomblob(9000); VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
    },
    armed: 'at its start',
    play: attaches,
    timelines: 1,
    counts: ofTheAttach,
  },
  'attach to a database that is older than its replica': {
    before: async (desk) => {
      await lifeBefore(desk)
      const { database } = desk.system
      desk.bot.exec('PRAGMA wal_checkpoint(TRUNCATE)')
      copyFileSync(database, `${database}.older`)
      // So much, and by so many connections, that a commit or two of the bot afterwards do not hide it.
      for (const _ of [1, 2, 3]) {
        desk.bot.close()
        desk.bot = openBot(desk)
        desk.bot.exec('UPDATE t SET x = randomblob(9000) WHERE n > 5')
      }
      await lifeBefore(desk)
      desk.bot.close()
      for (const suffix of ['-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true })
      copyFileSync(`${database}.older`, database)
      desk.bot = openBot(desk)
    },
    armed: 'at its start',
    play: attaches,
    // The fork is claimed then. Before, what the bot commits would hide that it had gone back.
    quietUntil: 'before unlink replica/00000002/timeline.json.tmp #1',
    timelines: 2,
    counts: ofTheAttach,
  },
  'let go, restored to an older point, resumed': restoredTo(2),
  'let go, restored to the newest point, resumed': restoredTo(3),
}

/** As a recovery does it: the database is another file then. */
function restoredTo(txid: number): Story {
  return {
    before: (desk) => lifeBefore(desk),
    armed: 'when attached',
    play: async (desk) => {
      await desk.client.letGo()
      await replaceByPoint(desk, txid)
      await desk.client.resume({ timeline: '00000001', txid })
    },
    after: async (desk) => {
      if (!existsSync(asideOf(desk))) await replaceByPoint(desk, txid)
    },
    // The bot is stopped as long as somebody recovers, who goes on with it.
    bots: ['is silent'],
    again: async ({ client }) => {
      expect(await client.resume({ timeline: '00000001', txid })).toMatchObject({ complete: true, timeline: '00000002' })
    },
    timelines: 2,
  }
}

const asideOf = ({ system }: Desk): string => `${system.database}.aside`

async function replaceByPoint(desk: Desk, txid: number): Promise<void> {
  const { database, folder, replica } = desk.system
  const store = await openFolderStore('file:replica', replica)
  const restored = join(folder, 'to-be-placed.db')
  rmSync(restored, { force: true })
  await restoreFile(store, planRestore(newestComplete(await readCatalogue(store)).files, { txid }), outputFiles, restored)
  desk.bot.close()
  for (const suffix of ['-wal', '-shm']) rmSync(`${database}${suffix}`, { force: true })
  renameSync(database, asideOf(desk))
  renameSync(restored, database)
  desk.bot = openBot(desk)
}
