/** `genesis-dr init` in a bot's folder: it looks and leaves nothing behind, writes what the other commands then work by, and refuses in time. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { children } from '../hosts/children.ts'
import { setpriv } from '../hosts/needs.ts'
import { describeWith, linuxProc, python } from '../needs.ts'
import { cliEntry, errorOf, genesis, hashOf } from '../support/cli.ts'
import { repository, until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let folder = ''
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'genesis-dr-init-')))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const at = (...parts: string[]): string => join(folder, ...parts)
const init = (...words: readonly string[]) => genesis(['init', ...words], { cwd: folder })
const config = (): string => readFileSync(at('genesis-dr.yaml'), 'utf8')

function make(name: string, mode = 'WAL', sql = 'CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)'): DatabaseSync {
  const database = new DatabaseSync(at(name))
  database.exec(`PRAGMA journal_mode=${mode}`)
  database.exec(sql)
  return database
}

describeWith([linuxProc], 'init where a bot is stopped', () => {
  it('one database -> a configuration that the other commands work by, and nothing else appears', async () => {
    make('trades.db').close()
    const hash = hashOf(at('trades.db'))
    const said = await init('--replica', `file:${at('copy')}`)
    expect([said.status, said.stderr]).toEqual([0, ''])
    expect(said.stdout).toMatch(/^wrote .*genesis-dr\.yaml\n/)
    expect(readdirSync(folder).sort()).toEqual(['genesis-dr.yaml', 'trades.db'])
    expect(hashOf(at('trades.db'))).toBe(hash)
    expect(statSync(at('genesis-dr.yaml')).mode & 0o777).toBe(0o640)
    const status = await genesis(['status', '--json'], { cwd: folder })
    expect(JSON.parse(status.stdout)).toMatchObject({ database: { path: at('trades.db'), exists: true } })
  })

  it('--json -> one value with what was found, what is proposed and what is next', async () => {
    make('trades.db', 'DELETE').close()
    const said = await init('--json')
    const value = JSON.parse(said.stdout)
    expect(value).toMatchObject({
      do: 'proposed',
      facts: { file: { path: at('trades.db'), journal: 'rollback' }, ledger: { ledger: 'own' }, holders: { processes: [] } },
      configuration: { path: at('genesis-dr.yaml'), text: config(), outcome: 'written' },
      wal: { outcome: 'not switched' },
    })
    expect(value.proposal.concerns[0]).toContain('rollback-journal mode')
    expect(value.next.steps[0].lines.at(-1)).toMatch(/^genesis-dr init --db .*trades\.db --output .*genesis-dr\.yaml --wal$/)
  })

  it('several databases -> 2 with the list, and nothing is written; with --db it is that one', async () => {
    make('a.db').close()
    mkdirSync(at('data'))
    make('data/b.db', 'DELETE').close()
    const said = await init()
    expect([said.status, existsSync(at('genesis-dr.yaml'))]).toEqual([2, false])
    expect(said.stdout).toMatch(/named with --db FILE/)
    expect(said.stdout).toMatch(/1 {2}\S+\/a\.db .* WAL .*\n {2}2 {2}\S+\/data\/b\.db .* rollback /)
    expect(JSON.parse((await init('--json')).stdout).candidates).toHaveLength(2)
    expect((await init('--db', 'data/b.db')).status).toBe(0)
    expect(config()).toContain('\ndatabase: data/b.db\n')
  })

  it('no database, a file that is none, a configuration that is there -> refused, nothing is written', async () => {
    writeFileSync(at('notes.txt'), 'no database '.repeat(20))
    expect([errorOf(await init()), (await init()).status]).toEqual(['DATABASE_MISSING', 2])
    expect(errorOf(await init('--db', 'notes.txt'))).toBe('DATABASE_NOT_SQLITE')
    make('trades.db').close()
    writeFileSync(at('genesis-dr.yaml'), 'name: mine\n')
    const said = await init()
    expect([errorOf(said), said.status, config()]).toEqual(['OUTPUT_EXISTS', 4, 'name: mine\n'])
    expect((await init('--output', 'other.yaml')).status).toBe(0)
    expect(readFileSync(at('other.yaml'), 'utf8')).toContain('\ndatabase: trades.db\n')
  })

  it('the configuration of the working directory is broken -> it is not read, only not overwritten', async () => {
    make('trades.db').close()
    writeFileSync(at('genesis-dr.yaml'), 'nonsense: [')
    expect((await init('--output', 'new.yaml')).status).toBe(0)
  })

  it('a Compose file above it mounts the folder -> the service is proposed, with its file', async () => {
    mkdirSync(at('user_data'))
    make('user_data/trades.db').close()
    writeFileSync(at('docker-compose.yml'), 'services:\n  freqtrade:\n    image: x\n    volumes: ["./user_data:/freqtrade/user_data"]\n')
    const said = await genesis(['init', '--json'], { cwd: at('user_data') })
    expect(JSON.parse(said.stdout).facts.containers.found).toEqual([
      { service: 'freqtrade', file: at('docker-compose.yml'), volume: './user_data:/freqtrade/user_data' },
    ])
    expect(readFileSync(at('user_data/genesis-dr.yaml'), 'utf8')).toContain(
      `\nservice: { compose: freqtrade, file: ${at('docker-compose.yml')} }\n`,
    )
  })

  it('the bot died and left a log -> its tables are not looked at, because that would touch it, and that is said', async () => {
    const database = make('trades.db')
    // As after a crash: the log stands, and nobody has it open.
    const log = readFileSync(at('trades.db-wal'))
    database.close()
    writeFileSync(at('trades.db-wal'), log)
    const said = await init('--json')
    expect(JSON.parse(said.stdout)).toMatchObject({ facts: { ledger: null }, proposal: { ledger: { value: null } } })
    expect(readdirSync(folder).sort()).toEqual(['genesis-dr.yaml', 'trades.db', 'trades.db-wal'])
    expect(readFileSync(at('trades.db-wal')).equals(log)).toBe(true)
  })
})

describeWith([linuxProc], '--wal', () => {
  it('nobody has it open -> switched, its header says so, and what that means is said; it stays so', async () => {
    make('trades.db', 'DELETE').close()
    const said = await init('--wal')
    expect(said.status).toBe(0)
    expect(said.stdout).toMatch(/switched from rollback-journal to WAL mode, and its header says\s+so/)
    expect(said.stdout).toMatch(/the way back.*'PRAGMA\s+journal_mode=DELETE'/s)
    expect(readdirSync(folder).sort()).toEqual(['genesis-dr.yaml', 'trades.db'])
    const again = await init('--wal', '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ wal: { outcome: 'already' }, configuration: { outcome: 'kept' } })
  })

  it('the configuration is there already -> it is kept as it is, and the database is switched', async () => {
    make('trades.db', 'DELETE').close()
    const mine = 'name: mine\ndatabase: trades.db\nreplica: file:my-copy\nservice: { command: [python3, bot.py] }\n'
    writeFileSync(at('genesis-dr.yaml'), mine)
    const said = await init('--wal')
    expect([said.status, config()]).toEqual([0, mine])
    expect(said.stdout).toMatch(/^.*is there already, and stays as it is\n/)
    expect(readFileSync(at('trades.db'))[18]).toBe(2)
    // What is to be typed next is about the system that it describes, not about one that would be proposed now.
    expect(said.stdout).toMatch(new RegExp(`replica +${at('my-copy')}`))
    expect(said.stdout).toContain('systemctl enable --now genesis-dr-mine')
    expect(said.stdout).not.toContain('what starts the bot was not found')
  })

  it('the configuration there is about another database, or broken -> refused, and nothing is switched', async () => {
    make('trades.db', 'DELETE').close()
    writeFileSync(at('genesis-dr.yaml'), 'database: other.db\n')
    expect(errorOf(await init('--db', 'trades.db', '--wal'))).toBe('OUTPUT_EXISTS')
    writeFileSync(at('genesis-dr.yaml'), 'nonsense: [')
    expect(errorOf(await init('--db', 'trades.db', '--wal'))).toBe('CONFIG_INVALID')
    expect(readFileSync(at('trades.db'))[18]).toBe(1)
  })

  it('a process has it open -> 4 with that process, byte for byte as it was, and no configuration', async () => {
    const bot = make('trades.db', 'DELETE')
    const hash = hashOf(at('trades.db'))
    const said = await init('--wal')
    expect([errorOf(said), said.status]).toEqual(['DATABASE_IN_USE', 4])
    expect(said.stderr).toContain(`process ${process.pid}`)
    expect([hashOf(at('trades.db')), readdirSync(folder)]).toEqual([hash, ['trades.db']])
    bot.close()
  })
})

describeWith([linuxProc, python], 'a bot that trades', () => {
  const start = children()
  it('init, replicate, validate as the README has it -> a replica that restores, while it trades', async () => {
    start('python3', [join(repository, 'test/writers/freqtrade.py'), '--db', at('trades.db'), '--rate', '100'])
    await until(() => existsSync(at('trades.db-wal')), 'the bot trades')
    const said = await init('--replica', `file:${at('copy')}`, '--json')
    const { facts, proposal } = JSON.parse(said.stdout)
    expect(facts).toMatchObject({ ledger: { ledger: 'freqtrade' }, holders: { processes: [{ command: 'python3 freqtrade.py' }] } })
    expect(proposal.checks).toMatchObject({ failing: [], holding: [{}, {}, {}, {}] })
    const capture = start(process.execPath, [cliEntry, 'replicate', '--json', '--config', at('genesis-dr.yaml')])
    await capture.line(/"attached"/)
    const validated = JSON.parse((await genesis(['validate', '--json'], { cwd: folder })).stdout)
    expect(validated.validation.filter(({ outcome }: { outcome: string }) => outcome === 'fail')).toEqual([])
    expect(validated).toMatchObject({ success: true })
    // The copy that runs by now is ours, and no holder.
    const again = JSON.parse((await init('--output', 'again.yaml', '--json')).stdout)
    expect(again.facts.holders.processes.map(({ command }: { command: string }) => command)).toEqual(['python3 freqtrade.py'])
    expect(await capture.end('SIGTERM')).toBe(0)
  })
})

describeWith([linuxProc, setpriv], 'another user than that of the bot', () => {
  const [bot, other] = [64_001, 64_002]
  const as = (uid: number, ...groups: readonly number[]): readonly string[] => {
    const own = groups.length === 0 ? ['--clear-groups'] : [`--groups=${groups.join(',')}`]
    return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, ...own]
  }
  const look = async (through: readonly string[]) => {
    mkdirSync(at('out'), { mode: 0o777, recursive: true })
    chmodSync(at('out'), 0o777)
    const output = at('out', `${readdirSync(at('out')).length}.yaml`)
    const said = await genesis(['init', at('bot'), '--json', '--output', output], { cwd: at('out'), through })
    return { status: said.status, ...JSON.parse(said.stdout).proposal }
  }
  beforeEach(() => {
    chmodSync(folder, 0o755)
    mkdirSync(at('bot'))
    make('bot/trades.db').close()
    for (const path of [at('bot/trades.db'), at('bot')]) chownSync(path, bot, bot)
  })

  it('its own user, root, a stranger, a member without and with write -> what each may, and what mends it does', async () => {
    chmodSync(at('bot/trades.db'), 0o644)
    expect(await look(as(bot))).toMatchObject({ status: 0, access: { as: "the bot's user", does: true } })
    expect(await look([])).toMatchObject({ status: 0, access: { as: 'root', does: true } })
    const stranger = await look(as(other))
    expect(stranger).toMatchObject({ status: 0, access: { as: 'another user', does: false } })
    expect(stranger.concerns[0]).toMatch(
      /^this user cannot protect it: this user \(uid 64002\) may not write .*Run it as the user of the bot/,
    )
    expect(stranger.access.mend[0]).toMatch(/^sudo usermod -aG 64001/)
    const member = await look(as(other, bot))
    expect(member).toMatchObject({ access: { as: 'a user of its group', does: false } })

    // The very commands, then the same question.
    const { execFileSync } = await import('node:child_process')
    for (const line of member.access.mend) execFileSync('sh', ['-ec', line.replace(/^sudo /, '')])
    expect(await look(as(other, bot))).toMatchObject({ access: { as: 'a user of its group', does: true, mend: [] } })
  })

  it('--wal by a member of the group -> 3, because a bot at rest could not be seen; by the owner it is switched, and that limit is said', async () => {
    make('bot/rollback.db', 'DELETE').close()
    chownSync(at('bot/rollback.db'), bot, bot)
    chmodSync(at('bot/rollback.db'), 0o660)
    chmodSync(at('bot'), 0o2770)
    const hash = hashOf(at('bot/rollback.db'))
    const words = ['init', '--db', at('bot/rollback.db'), '--wal', '--output', at('bot/new.yaml')]
    const refused = await genesis(words, { cwd: '/', through: as(other, bot) })
    expect([errorOf(refused), refused.status, hashOf(at('bot/rollback.db')), existsSync(at('bot/new.yaml'))]).toEqual([
      'HOLDERS_UNKNOWN',
      3,
      hash,
      false,
    ])
    const done = await genesis([...words, '--json'], { cwd: '/', through: as(bot) })
    expect(JSON.parse(done.stdout).wal).toEqual({
      outcome: 'switched',
      because: expect.stringContaining('another user has it open at rest could not be seen'),
    })
    expect(readFileSync(at('bot/rollback.db'))[18]).toBe(2)
  })
})
