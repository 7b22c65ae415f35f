/** Who has the database open: only when everybody was looked into does nobody found prove anything. */
import { describe, expect, it } from 'vitest'
import type { CaptureControl } from '../ports/capture-control.ts'
import type { DatabaseFiles, FileFacts } from '../ports/database-files.ts'
import type { FileIdentity } from '../ports/live-database.ts'
import type { Holders } from '../ports/open-files.ts'
import { listed, requireNobody, strangersOn } from './holders.ts'

const control = {} as CaptureControl
const files = {} as DatabaseFiles
const factsOf = (inode: number): FileFacts => ({ device: 1, inode, sizeBytes: 0, mode: 0o600, uid: 0, gid: 0 })

/** `there`: inode by path. `asked` becomes what the process table was asked about. */
function portsOf(
  there: Readonly<Record<string, number>>,
  holders: Holders,
  capturePid: number | null = null,
  known: FileIdentity | null = null,
) {
  const asked: (readonly FileIdentity[])[] = []
  return {
    asked,
    files: { ...files, stat: async (path: string) => (there[path] === undefined ? null : factsOf(there[path])) },
    openFiles: {
      logsBeside: async () => [],
      holders: async (identities: readonly FileIdentity[]) => {
        asked.push(identities)
        return holders
      },
    },
    capture: { reach: async () => ({ pid: capturePid, control }), knownFile: async () => known, timelineOf: async () => null },
  }
}
const bot = { pid: 100, command: 'python3 bot.py' }
const capture = { pid: 200, command: 'genesis-dr replicate' }
const seen = (...processes: readonly (typeof bot)[]): Holders => ({ processes, complete: true, because: '2 processes were looked into' })

describe('strangers on a database', () => {
  it('the bot and its capture have it open -> the bot', async () => {
    const strangers = await strangersOn(portsOf({ 'bot.db': 1 }, seen(bot, capture), 200), 'bot.db')
    expect(strangers).toEqual({ processes: [bot], complete: true, because: '2 processes were looked into' })
  })

  it('no capture runs -> whoever has it open is a stranger', async () => {
    expect((await strangersOn(portsOf({ 'bot.db': 1 }, seen(bot, capture)), 'bot.db')).processes).toEqual([bot, capture])
  })

  it('the database has a log -> all files of it are asked about, those that are there', async () => {
    const ports = portsOf({ 'bot.db': 1, 'bot.db-wal': 2, 'bot.db-shm': 3, 'other.db': 4 }, seen())
    await strangersOn(ports, 'bot.db')
    expect(ports.asked.map((asked) => asked.map((file) => file.inode))).toEqual([[1, 2, 3]])
  })

  it('its files were deleted under a bot -> the one that the capture remembers is looked for, and the bot is found', async () => {
    const known = { device: 1, inode: 7 }
    const ports = portsOf({}, seen(bot), null, known)
    expect(await strangersOn(ports, 'bot.db')).toMatchObject({ processes: [bot], complete: true })
    expect(ports.asked).toEqual([[known]])
    // A supervisor restarted one bot, which made a new file, while another one goes on with the old.
    const replaced = portsOf({ 'bot.db': 8 }, seen(bot), null, known)
    expect((await strangersOn(replaced, 'bot.db')).processes).toEqual([bot])
    expect(replaced.asked).toEqual([[factsOf(8), known]])
    const logOnly = portsOf({ 'bot.db-wal': 2 }, seen(), null, known)
    await strangersOn(logOnly, 'bot.db')
    expect(logOnly.asked).toEqual([[factsOf(2), known]])
  })

  it('no file of it is there, and no capture remembers one -> it cannot be told, and that is never "nobody"', async () => {
    const because = 'no file stands at bot.db, and no capture remembers which one did'
    expect(await strangersOn(portsOf({}, seen()), 'bot.db')).toEqual({ processes: [], complete: false, because })
    expect(await strangersOn(portsOf({ 'bot.db-wal': 2 }, seen(bot)), 'bot.db')).toEqual({ processes: [bot], complete: false, because })
  })

  it('it is set aside -> whoever has it open there is found', async () => {
    const ports = portsOf({ 'evidence/bot.db': 5 }, seen(bot))
    expect(await strangersOn(ports, 'bot.db', 'evidence/bot.db')).toMatchObject({ processes: [bot], complete: true })
  })

  it('some process could not be looked into -> that is kept, with why', async () => {
    const strangers = await strangersOn(portsOf({ 'bot.db': 1 }, { processes: [], complete: false, because: 'hidepid' }), 'bot.db')
    expect(strangers).toEqual({ processes: [], complete: false, because: 'hidepid' })
  })
})

describe('requiring that nobody has it open', () => {
  const require = (processes: readonly (typeof bot)[], complete: boolean) => () =>
    requireNobody({ processes, complete, because: 'hidepid' }, '/data/bot.db', 'Stop the bot.')

  it('nobody, and all were looked into -> fine', () => {
    expect(require([], true)).not.toThrow()
  })

  it.each([true, false])('somebody -> DATABASE_IN_USE that names them, even where not all were looked into (%s)', (complete) => {
    expect(require([bot, capture], complete)).toThrow(
      expect.objectContaining({
        code: 'DATABASE_IN_USE',
        message: '/data/bot.db is open in process 100 (python3 bot.py), process 200 (genesis-dr replicate)',
        next: 'Stop the bot.',
      }),
    )
  })

  it('nobody was found, but not all were looked into -> HOLDERS_UNKNOWN: that proves nothing', () => {
    expect(require([], false)).toThrow(
      expect.objectContaining({
        code: 'HOLDERS_UNKNOWN',
        message: 'it cannot be told whether a process has /data/bot.db open: hidepid',
      }),
    )
  })

  it('a long command line -> cut, so that the sentence can be read', () => {
    expect(listed([{ pid: 1, command: 'x'.repeat(200) }])).toBe(`process 1 (${'x'.repeat(80)})`)
  })
})
