/** What people and programs do to the files of a live database under its capture: nothing of it may pass as complete. */
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { describeWith, python } from '../needs.ts'
import {
  clear,
  end,
  makeSystem,
  query,
  restoreNewest,
  startCapture,
  startWriter,
  type TestSystem,
  until,
  witnessed,
} from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

const client = () => captureClient(system.settings.captureFolder)
const restoredTo = async (name: string): Promise<number> =>
  Number(query((await restoreNewest(system, name)).path, 'SELECT max(seq) AS last FROM ticks')['last'])

const suffixes = ['', '-wal', '-shm'] as const

/** Whoever has the files open may commit to them still, and we have them open too. */
const takenAway: Readonly<Record<string, () => void>> = {
  'the database is renamed away': () => {
    const aside = join(system.folder, 'aside')
    mkdirSync(aside)
    for (const suffix of suffixes) renameSync(`${system.database}${suffix}`, join(aside, `bot.db${suffix}`))
  },
  'the database is deleted': () => {
    for (const suffix of suffixes) rmSync(`${system.database}${suffix}`)
  },
  'the log alone is deleted': () => rmSync(`${system.database}-wal`),
}

describeWith([python], 'under a capture', () => {
  it('the database is renamed away and put back, as a run does that finds somebody at it -> all is well again, and its log becomes small', async () => {
    const writer = await startWriter(system, '--rate', '800', '--payload', '20000')
    const capture = await startCapture(system)
    const aside = join(system.folder, 'aside')
    mkdirSync(aside)
    const move = (from: string, to: string): void => {
      for (const suffix of suffixes) renameSync(join(from, `bot.db${suffix}`), join(to, `bot.db${suffix}`))
    }
    move(system.folder, aside)
    await until(() => capture.events.some(({ because }) => because?.includes('was taken away') === true), 'the word of it')
    expect((await client().position()).damage).toMatch(/was taken away/)
    move(aside, system.folder)
    const { length } = capture.events
    await until(() => capture.events.slice(length).some(({ type }) => type === 'checkpointed'), 'a checkpoint')
    expect(await client().position()).toMatchObject({ damage: null, trouble: null, continuous: true })
    await end(system, writer, 'SIGTERM')
    expect((await client().drain()).complete).toBe(true)
    expect(await restoredTo('r.db')).toBe(witnessed(system).at(-1)?.seq)
  })

  it.each(Object.entries(takenAway))(
    '%s while the bot goes on -> what it still commits is copied, and it is said',
    async (_name, takeAway) => {
      const writer = await startWriter(system, '--rate', '200')
      await startCapture(system)
      takeAway()
      const then = witnessed(system).length
      await until(() => witnessed(system).length > then + 100, 'commits to the files that are open')
      expect((await client().position()).continuous).toBe(false)
      await end(system, writer, 'SIGTERM')
      expect((await client().drain()).complete).toBe(true)
      expect(await restoredTo('r.db')).toBe(witnessed(system).at(-1)?.seq)
    },
  )

  it('the file is cut to half its size while the bot goes on -> nothing of that is copied: all that was committed is restored', async () => {
    const writer = await startWriter(system, '--rate', '300', '--payload', '2000', '--autocheckpoint', '20')
    await until(() => witnessed(system).length > 100, 'pages in the file')
    await startCapture(system)
    truncateSync(system.database, 4096 * Math.floor(statSync(system.database).size / 8192))
    const then = witnessed(system).length
    await until(() => witnessed(system).length > then + 50 || writer.exitCode !== null, 'commits, or the end of a bot that has met it')
    await end(system, writer, 'SIGTERM')
    await client().drain()
    const { path } = await restoreNewest(system, 'r.db')
    expect(query(path, 'PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
    const last = witnessed(system).at(-1)
    expect(query(path, 'SELECT max(seq) AS seq, sum(amount) AS sum FROM ticks')).toEqual({ seq: last?.seq, sum: last?.sum })
  })

  it('another file is put in its place while it is in use -> a drain never says that everything is copied', async () => {
    await startWriter(system, '--rate', '100')
    const capture = await startCapture(system)
    const copy = join(system.folder, 'copy.db')
    const database = new DatabaseSync(system.database, { readOnly: true })
    database.exec(`VACUUM INTO '${copy}'`)
    database.close()
    const drained = () =>
      client()
        .drain()
        .catch((error: unknown) => ({ complete: false, error }))
    renameSync(copy, system.database)
    // Before the capture looks by itself, and after.
    expect(await drained()).toMatchObject({ complete: false })
    await until(() => capture.process.exitCode !== null || capture.events.some((event) => event.type === 'warning'), 'it is noticed')
    expect(await drained()).toMatchObject({ complete: false })
  })

  it('the -shm is deleted, somebody has the former one, and the bot another -> it is seen within seconds, and nothing is called complete', async () => {
    const first = await startWriter(system, '--rate', '100')
    const capture = await startCapture(system)
    const idle = new DatabaseSync(system.database)
    idle.prepare('SELECT count(*) FROM ticks').get()
    rmSync(`${system.database}-shm`)
    await end(system, first, 'SIGKILL')
    await startWriter(system, '--rate', '100')
    await until(async () => (await client().position()).damage !== null, 'the deleted -shm is seen')
    await until(() => capture.events.some((event) => event.because?.includes('another -shm') === true), 'the hidden commits are seen')
    expect(await client().drain()).toMatchObject({ complete: false })
    expect((await client().position()).continuous).toBe(false)
    expect(capture.events.filter(({ type }) => type === 'attached')).toHaveLength(1)
    idle.close()
  })

  it('the -shm is deleted and the bot reconnects with another one -> it is seen, and followed anew by itself', async () => {
    const first = await startWriter(system, '--rate', '100')
    const capture = await startCapture(system)
    rmSync(`${system.database}-shm`)
    await end(system, first, 'SIGKILL')
    const second = await startWriter(system, '--rate', '100')
    const told = (text: string) => () => capture.events.some(({ because }) => because?.includes(text) === true)
    await until(told('the -shm of'), 'the deleted -shm is seen')
    await until(() => capture.events.filter(({ type }) => type === 'attached').length === 2, 'it is followed anew')
    expect(told('nobody has the former -shm of')()).toBe(true)
    await end(system, second, 'SIGTERM')
    expect(await client().drain()).toMatchObject({ complete: true })
    expect(await restoredTo('r.db')).toBe(witnessed(system).at(-1)?.seq)
  })

  it('somebody copies the recovered file elsewhere and replicates it to the same replica -> refused; with the word, the former capture stops', async () => {
    await startWriter(system, '--rate', '100')
    const production = await startCapture(system)
    await client().drain()
    const copy = join(system.folder, 'elsewhere', 'copy.db')
    mkdirSync(join(system.folder, 'elsewhere'))
    cpSync((await restoreNewest(system, 'r.db')).path, copy)
    const over = { database: copy, captureFolder: join(system.folder, 'elsewhere', '.state') }
    const second = await startCapture(system, over)
    expect([second.process.exitCode, second.errors()]).toEqual([4, expect.stringContaining('another path')])
    const taken = await startCapture(system, over, '--take-over')
    expect(taken.events.find((event) => event.type === 'attached')).toMatchObject({ timeline: '00000002' })
    await until(() => production.process.exitCode !== null, 'the former capture meets the newer timeline')
    expect([production.process.exitCode, production.errors()]).toEqual([4, expect.stringContaining('TIMELINE_SEALED')])
    expect(existsSync(system.database)).toBe(true)
  })
})
