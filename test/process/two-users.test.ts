/** The bot is one user and genesis-dr another: it works, or is refused before anything is done, with the command that mends it. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { children } from '../hosts/children.ts'
import { setpriv, unshare } from '../hosts/needs.ts'
import { describeWith, linuxProc, python } from '../needs.ts'
import { cliEntry, errorOf, genesis } from '../support/cli.ts'
import { query, until } from '../support/system.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const bot = { uid: 40_001, gid: 40_001 }
const other = { uid: 40_002, gid: 40_002 }
const as = ({ uid, gid }: typeof bot, ...groups: readonly number[]): string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
]
// One that lies in a home folder is not for other users.
const python3 = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'
const writer = fileURLToPath(new URL('../writers/writer.py', import.meta.url))

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'genesis-dr-users-')))
  chmodSync(folder, 0o755)
  for (const [name, owner] of [['bot', bot] as const, ['copy', other] as const]) {
    mkdirSync(at(name))
    chownSync(at(name), owner.uid, owner.gid)
  }
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (...parts: string[]): string => join(folder, ...parts)
const database = (): string => at('bot', 'bot.db')
const given = (): string[] => ['--db', database(), '--replica', `file:${at('copy', 'replica')}`]
const acknowledged = (): number =>
  existsSync(at('bot', 'witness')) ? readFileSync(at('bot', 'witness'), 'utf8').split('\n').length - 1 : 0

describeWith([setpriv, linuxProc, python], 'two users', () => {
  const start = children()
  const trade = async (...words: readonly string[]) => {
    const before = acknowledged()
    const [command = '', ...args] = [...as(bot), python3, writer, '--db', database(), '--witness', at('bot', 'witness'), ...words]
    const child = start(command, args)
    await until(() => acknowledged() > before + 20, 'commits of the bot')
    return child
  }
  const capture = async (...through: readonly string[]) => {
    const [command = '', ...args] = [...through, process.execPath, cliEntry, 'replicate', '--json', ...given()]
    const child = start(command, args)
    await child.line(/"attached"/)
    return child
  }

  it('we may only read -> 2, with the command that lets us in; once it was given, everything is copied while the bot comes and goes', async () => {
    const trading = await trade('--rate', '200', '--reconnect-every', '0.5')
    const refused = await genesis(['replicate', ...given()], { through: as(other, bot.gid) })
    expect([errorOf(refused), refused.status]).toEqual(['DATABASE_READ_ONLY', 2])
    expect(refused.stderr).toContain(`this user (uid ${other.uid}) may not write ${database()}`)
    for (const words of [['agent'], ['execute', '--scenario', 'DATABASE_CORRUPTION', '--yes', 'bot.db'], ['recover', '--yes', 'bot.db']]) {
      const said = await genesis([...words, ...given()], { through: as(other, bot.gid) })
      expect([words, errorOf(said), said.status]).toEqual([words, 'DATABASE_READ_ONLY', 2])
    }
    const command = /or let this user in: (.*)$/m.exec(refused.stderr.replaceAll(/\n\s+/g, ' '))?.[1] ?? ''
    execFileSync('sh', ['-ec', command.replaceAll('sudo ', '')])

    const copying = await capture(...as(other, bot.gid))
    const then = acknowledged()
    await until(() => acknowledged() > then + 300, 'commits beside the capture')
    await trading.end('SIGTERM')
    await copying.end('SIGTERM')
    await (await trade('--rate', '200')).end('SIGTERM')
    await (await capture(...as(other, bot.gid))).end('SIGTERM')
    const restored = await genesis(['recover', '--output', at('copy', 'r.db'), ...given()], { through: as(other, bot.gid) })
    expect(restored.status, restored.stderr).toBe(0)
    expect(restored.stdout.replaceAll(/\s+/g, ' ')).toContain(
      `it belongs to this user alone: the restored file cannot be given owner ${bot.uid}`,
    )
    expect(query(at('copy', 'r.db'), 'SELECT max(seq) AS last FROM ticks')).toEqual({ last: acknowledged() })

    const before = await trade('--rate', '200')
    for (const words of [
      ['execute', '--scenario', 'DATABASE_CORRUPTION', '--yes', 'bot.db'],
      ['recover', '--yes', 'bot.db'],
    ]) {
      const late = await genesis([...words, ...given()], { through: as(other, bot.gid) })
      expect(late.status, late.stdout + late.stderr).toBe(4)
      expect((late.stdout + late.stderr).replaceAll(/\s+/g, ' ')).toContain(
        `the database could not be replaced: the restored file cannot be given owner ${bot.uid}`,
      )
    }
    await before.end('SIGTERM')
    expect(readdirSync(at('bot')).sort()).toEqual(['.bot.db-dr', 'bot.db', 'witness'])
    expect(existsSync(at('bot', '.bot.db-dr', 'halt.json'))).toBe(false)
  })

  it('root looks, copies and recovers first -> the user of the bot goes on where root began', async () => {
    const folders = ['--db', database(), '--replica', `file:${at('bot', 'replica')}`]
    await (await trade()).end('SIGTERM')
    expect((await genesis(['status', ...folders])).status).toBe(5)
    const copying = start(process.execPath, [cliEntry, 'replicate', '--json', ...folders])
    await copying.line(/"attached"/)
    await copying.end('SIGTERM')
    expect((await genesis(['validate', ...folders])).status).toBe(0)
    expect((await genesis(['recover', '--yes', 'bot.db', ...folders])).status).toBe(0)
    expect((await genesis(['stop-trading', '--yes', 'bot.db', ...folders])).status).not.toBe(1)
    const foreign = execFileSync('find', [at('bot'), '!', '-user', `${bot.uid}`], { encoding: 'utf8' })
    expect(foreign).toBe('')
    for (const words of [
      ['status', '--json'],
      ['runs', '--json'],
      ['validate', '--json'],
    ]) {
      expect((await genesis([...words, ...folders], { through: as(bot) })).stderr).toBe('')
    }
    const [command = '', ...args] = [...as(bot), process.execPath, cliEntry, 'replicate', '--json', ...folders]
    const own = start(command, args)
    await own.line(/"attached"/)
    expect(await own.end('SIGTERM')).toBe(0)
  })

  it('we may only read, and are not in its group -> we are told to join it first', async () => {
    await (await trade()).end('SIGTERM')
    const refused = await genesis(['replicate', ...given()], { through: as(other) })
    expect([errorOf(refused), refused.status]).toEqual(['DATABASE_READ_ONLY', 2])
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain(`sudo usermod -aG ${bot.gid} "$(id -un)" && sudo chgrp ${bot.gid} `)
  })

  it('we may write, but what is made for us would not be of the group of the bot -> 2, before the bot is locked out', async () => {
    await (await trade()).end('SIGTERM')
    chmodSync(database(), 0o660)
    chmodSync(at('bot'), 0o770)
    const refused = await genesis(['replicate', ...given()], { through: as(other, bot.gid) })
    expect([errorOf(refused), refused.status]).toEqual(['DATABASE_READ_ONLY', 2])
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain(`so that the bot (uid ${bot.uid}) could not open it`)
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toContain(`sudo chmod g+rwxs ${at('bot')}`)
    await (await trade()).end('SIGTERM')
  })

  it('another user starts to only read while the folder is of everybody -> refused all the same, and nothing is made beside it', async () => {
    await (await trade()).end('SIGTERM')
    chmodSync(at('bot'), 0o777)
    const refused = await genesis(['replicate', ...given()], { through: as(other) })
    expect([errorOf(refused), refused.status]).toEqual(['DATABASE_READ_ONLY', 2])
    expect(refused.stderr).toContain(`may not write ${database()}`)
    expect(existsSync(at('bot', '.bot.db-dr'))).toBe(false)
  })
})

describeWith([unshare, linuxProc, python], 'a host that shows no locks', () => {
  const start = children()

  it('-> the log is not finished under a lock that is not proven, status says so, and everything is copied', async () => {
    const witness = at('bot', 'witness')
    const words = ['--db', database(), '--witness', witness, '--rate', '0', '--payload', '2000', '--limit', '30000']
    const trading = start('python3', [writer, ...words])
    await until(() => acknowledged() > 0, 'a commit of the bot')
    const blind = 'mount --bind /dev/null /proc/locks && exec "$@"'
    const replicate = [process.execPath, cliEntry, 'replicate', '--json', ...given()]
    const copying = start('unshare', ['--mount', 'sh', '-c', blind, 'blind', ...replicate])
    await copying.line(/"attached"/)
    expect(await trading.end()).toBe(0)
    const status = JSON.parse((await genesis(['replication-status', '--json', ...given()])).stdout)
    expect(status.trouble).toContain('/proc/locks does not show the')
    expect(status.walBytes).toBeGreaterThan(32 * 1024 * 1024)
    await copying.end('SIGTERM')
    await expect(copying.line(/"checkpointed"/)).rejects.toThrow('ended with 0')
    const restored = await genesis(['recover', '--output', at('r.db'), ...given()])
    expect(restored.status, restored.stderr).toBe(0)
    expect(query(at('r.db'), 'SELECT max(seq) AS last FROM ticks')).toEqual({ last: 30_000 })
  })
})
