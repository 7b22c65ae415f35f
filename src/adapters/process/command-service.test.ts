import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bots, serviceContract } from '../../../test/contract/service.ts'
import { children } from '../../../test/hosts/children.ts'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import { isDrError } from '../../errors.ts'
import type { Service } from '../../ports/service.ts'
import { readProcess } from '../proc/process-table.ts'
import { commandService } from './command-service.ts'
import { sameCommand } from './members.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

let folder = ''
const running: Service[] = []

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'command-service-')))
})
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop(0)
  rmSync(folder, { recursive: true })
})

const optionsOf = (command: readonly string[], environment: Record<string, string | undefined> = process.env) => ({
  command,
  cwd: folder,
  logFile: join(folder, 'logs', 'bot.log'),
  stateFolder: join(folder, 'state'),
  environment,
})
function serviceOf(command: readonly string[], environment?: Record<string, string | undefined>): Service {
  const service = commandService(optionsOf(command, environment))
  running.push(service)
  return service
}
const isAlive = (pid: number): boolean => readProcess(pid)?.ended === false
const logOf = (): string => readFileSync(join(folder, 'logs', 'bot.log'), 'utf8')

describeWith([linuxProc], 'a bot as a plain command', () => {
  serviceContract(() => ({
    serviceOf: async (bot) => serviceOf(['sh', '-c', bots[bot]]),
    isAlive: async (pid) => isAlive(pid),
    kill: async (pid) => {
      // One that ended because its parent was killed is gone already.
      if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
    },
  }))
})

describeWith([linuxProc], 'a bot as a plain command, and what befalls it', () => {
  const start = children()
  const module = new URL('./command-service.ts', import.meta.url).href
  /** A process that calls `start` of the same service and says what came of it. */
  const starter = (command: readonly string[], body = 'console.log((await service.start()).pids.join(" "))') =>
    start(process.execPath, [
      '--input-type=module',
      '-e',
      `const { commandService } = await import(${JSON.stringify(module)})
       const service = commandService({ ...${JSON.stringify(optionsOf(command, {}))}, environment: process.env })\n${body}`,
    ])

  /** A bot that writes down that it began, and who did. */
  const noting = (): readonly string[] => ['sh', '-c', `echo $$ >>"${folder}/begun"; exec sleep 60`]
  const begun = (): readonly number[] => {
    const path = join(folder, 'begun')
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number) : []
  }

  it('its key variables are set for us -> the bot does not get them, but everything else', async () => {
    const environment = {
      ...process.env,
      DR_BACKUP_KEY: 'k',
      DR_BACKUP_KEY_FILE: 'f',
      DR_FAILOVER_DNS_TOKEN: 't',
      DR_FAILOVER_DNS_TOKEN_FILE: 'g',
      DR_NOTIFICATION_WEBHOOK: 'w',
      DR_NOTIFICATION_WEBHOOK_FILE: 'h',
      API_URL: 'here',
    }
    await serviceOf(['sh', '-c', 'env | sort -r; sleep 60'], environment).start()
    await expect.poll(logOf).toContain('API_URL=here')
    expect(logOf()).not.toMatch(/DR_BACKUP_KEY|DR_FAILOVER_DNS_TOKEN|DR_NOTIFICATION_WEBHOOK/)
  })

  it('we end after starting it -> it runs on, and another process finds and stops it', async () => {
    const command = ['sh', '-c', bots.obedient]
    const child = starter(command)
    const pids = (await child.line(/^\d/)).split(' ').map(Number)
    expect(await child.end()).toBe(0)
    const service = serviceOf(command)
    expect((await service.state()).pids).toEqual(expect.arrayContaining(pids.slice(0, 1)))
    expect(await service.stop(5000)).toMatchObject({ running: 'no', exitStatus: 0 })
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('we are killed at any moment of a start -> there is never a second bot', async () => {
    const command = noting()
    const service = serviceOf(command)
    for (let delayMs = 0; delayMs < 60; delayMs += 6) {
      // Anew each time: the number of a bot that ended may be another process by now.
      rmSync(join(folder, 'begun'), { force: true })
      const child = starter(command, 'console.log("go"); await service.start()')
      await child.line(/go/)
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      await child.end('SIGKILL')
      const after = await service.start()
      expect(after.running).toBe('yes')
      // Running is known by its wrapper, which the bot itself may follow later.
      await expect.poll(begun, { timeout: 10_000 }).not.toEqual([])
      expect(begun().filter(isAlive)).toHaveLength(1)
      await service.stop(2000)
      expect(begun().filter(isAlive)).toEqual([])
    }
  }, 120_000)

  it('four processes start it at once -> exactly one bot begins', async () => {
    const command = noting()
    const service = serviceOf(command)
    const racers = Array.from({ length: 4 }, () => starter(command))
    const answers = await Promise.all(racers.map((racer) => racer.line(/^\d/)))
    expect(answers).toHaveLength(4)
    await expect.poll(begun, { timeout: 10_000 }).not.toEqual([])
    await service.stop(2000)
    expect(begun()).toHaveLength(1)
  }, 60_000)

  it('the state folder is lost while it runs -> it is found by its marker, and not started twice', async () => {
    const service = serviceOf(['sh', '-c', bots.obedient])
    const { pids } = await service.start()
    rmSync(join(folder, 'state'), { recursive: true })
    expect((await service.start()).pids).toContain(pids[0])
    await service.stop(5000)
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('a person started it by hand with the same command -> it is running, is not started twice, and is stopped', async () => {
    writeFileSync(join(folder, 'bot.sh'), bots.obedient)
    const byHand = start('sh', ['bot.sh'], { cwd: folder })
    await byHand.line(/line 1/)
    const service = serviceOf(['sh', 'bot.sh'])
    const state = await service.start()
    expect(state).toMatchObject({ running: 'yes', because: `running, started by somebody else as pid ${byHand.pid}` })
    expect(await service.stop(5000)).toMatchObject({ running: 'no' })
    expect(await byHand.end()).toBe(0)
  })

  it('it was started twice by hand -> that is more than one bot, said so, and both are stopped', async () => {
    writeFileSync(join(folder, 'bot.sh'), bots.obedient)
    const both = [start('sh', ['bot.sh'], { cwd: folder }), start('sh', ['bot.sh'], { cwd: folder })]
    for (const one of both) await one.line(/line 1/)
    const service = serviceOf(['sh', 'bot.sh'])
    const { concern, because } = await service.state()
    expect(concern).toMatch(/^runs 2 times at once \(pid \d+, pid \d+\): more than one bot trades$/)
    expect(because).toContain(concern)
    expect(await service.stop(5000)).toMatchObject({ running: 'no' })
    for (const one of both) expect(await one.end()).toBe(0)
  })

  it('one of ours runs, and one that was started by hand -> more than one bot as well', async () => {
    writeFileSync(join(folder, 'bot.sh'), bots.obedient)
    const service = serviceOf(['sh', 'bot.sh'])
    await service.start()
    expect((await service.state()).concern).toBeUndefined()
    const byHand = start('sh', ['bot.sh'], { cwd: folder })
    await byHand.line(/line 1/)
    expect((await service.state()).concern).toBe(`runs 2 times at once (that of genesis-dr, pid ${byHand.pid}): more than one bot trades`)
    expect(await service.stop(5000)).toMatchObject({ running: 'no' })
  })

  it('the same command runs in another folder -> that is another bot, and is left alone', async () => {
    mkdirSync(join(folder, 'other'))
    writeFileSync(join(folder, 'other', 'bot.sh'), bots.obedient)
    const other = start('sh', ['bot.sh'], { cwd: join(folder, 'other') })
    await other.line(/line 1/)
    const service = serviceOf(['sh', 'bot.sh'])
    expect(await service.stop(200)).toMatchObject({ running: 'no' })
    expect(isAlive(other.pid)).toBe(true)
  })

  it('the pid in the record is another process by now -> not running, and that process is not touched', async () => {
    const service = serviceOf(['sh', '-c', bots.obedient])
    await service.start()
    await service.stop(5000)
    const stranger = start('sleep', ['60'])
    const record = join(folder, 'state', 'service', '000001.started')
    const [boot = '', line = ''] = readFileSync(record, 'utf8').split('\n')
    rmSync(join(folder, 'state', 'service', '000001.ended'))
    writeFileSync(record, `${boot}\n${line.replace(/^\d+/, String(stranger.pid))}\n`)
    expect(await service.state()).toMatchObject({ running: 'no', pids: [], exitStatus: null })
    await service.stop(0)
    expect(isAlive(stranger.pid)).toBe(true)
  })

  it('the machine was restarted -> not running, and how it ended is not known', async () => {
    const service = serviceOf(['sh', '-c', bots.obedient])
    await service.start()
    await service.stop(5000)
    const record = join(folder, 'state', 'service', '000001.started')
    rmSync(join(folder, 'state', 'service', '000001.ended'))
    writeFileSync(record, readFileSync(record, 'utf8').replace(/^[^\n]*/, 'another-boot'))
    expect(await service.state()).toMatchObject({
      running: 'no',
      because: 'the machine was restarted since it was started',
      exitStatus: null,
    })
  })

  it('it ends but what it started goes on, in a session of its own -> still running, until all of it is stopped', async () => {
    const service = serviceOf(['sh', '-c', 'setsid sleep 60 & sleep 0.5; exit 4'])
    await service.start()
    await expect
      .poll(async () => (await service.state()).because, { timeout: 5000 })
      .toMatch(/exited with status 4, but processes .* remain/)
    const { running, pids } = await service.state()
    expect(running).toBe('yes')
    expect(await service.stop(2000)).toMatchObject({ running: 'no', pids: [] })
    expect(pids.filter(isAlive)).toEqual([])
  })

  it('the program does not exist, or its folder -> an error that says so', async () => {
    const failure = await serviceOf(['no-such-program-here'])
      .start()
      .catch((error: unknown) => error)
    expect(isDrError(failure, 'SERVICE_START_FAILED') && failure.message).toContain('exited with status 127')
    const nowhere = commandService({ ...optionsOf(['true']), cwd: join(folder, 'absent') })
    const second = await nowhere.start().catch((error: unknown) => error)
    expect(isDrError(second, 'SERVICE_START_FAILED')).toBe(true)
  })

  it('it is started thirty times -> old records do not pile up', async () => {
    const records = join(folder, 'state', 'service')
    const service = serviceOf(['sh', '-c', bots.obedient])
    await service.start()
    await service.stop(5000)
    for (let number = 2; number <= 30; number++) writeFileSync(join(records, `${String(number).padStart(6, '0')}.started`), '')
    await service.start()
    expect(existsSync(join(records, '000031.started'))).toBe(true)
    expect(readdirSync(records).filter((name) => name.endsWith('.started'))).toHaveLength(20)
  })

  it('the log is larger than what is read of it -> whole lines of this life only', async () => {
    mkdirSync(join(folder, 'logs'))
    writeFileSync(join(folder, 'logs', 'bot.log'), 'of last week, without an end')
    const service = serviceOf(['sh', '-c', 'i=0; while [ $i -lt 40000 ]; do echo "entry $i"; i=$((i+1)); done; exec sleep 60'])
    await service.start()
    const last = async () => (await service.recentLog(1)).lines.at(-1)?.text
    await expect.poll(last, { timeout: 20_000 }).toBe('entry 39999')
    const { lines, gap } = await service.recentLog(100_000)
    expect(lines.every(({ text }) => /^entry \d+$/.test(text))).toBe(true)
    expect([lines.length > 1000, gap]).toEqual([true, null])
  })

  it('the log is emptied while it runs -> what it writes after that is told', async () => {
    const service = serviceOf(['sh', '-c', 'echo before; while [ ! -e go ]; do sleep 0.02; done; echo after; exec sleep 60'])
    mkdirSync(join(folder, 'logs'))
    writeFileSync(join(folder, 'logs', 'bot.log'), `${'x'.repeat(100)}\n`)
    await service.start()
    await expect.poll(() => service.recentLog(9)).toEqual({ lines: [{ text: 'before', atMs: null }], gap: null })
    writeFileSync(join(folder, 'logs', 'bot.log'), '')
    writeFileSync(join(folder, 'go'), '')
    await expect.poll(() => service.recentLog(9)).toEqual({ lines: [{ text: 'after', atMs: null }], gap: null })
  })

  it('it was never started here, or by somebody else, or by a version that did not note where its log began -> not known, and why', async () => {
    const command = ['sleep', '61']
    const service = serviceOf(command)
    expect((await service.recentLog(9)).gap).toMatch(/^genesis-dr has not started it yet/)
    await service.start()
    const record = join(folder, 'state', 'service', '000001.started')
    writeFileSync(record, readFileSync(record, 'utf8').split('\n').slice(0, 2).join('\n'))
    expect((await service.recentLog(9)).gap).toMatch(/^the record of its start does not say/)
    await service.stop(3000)
    const byHand = start('sleep', ['61'], { cwd: folder })
    await expect.poll(async () => (await service.state()).pids).toEqual([byHand.pid])
    expect((await service.recentLog(9)).gap).toMatch(/^somebody else started it/)
  })
})

describe('whether a process shows the command of the bot', () => {
  it.each([
    [['python3', 'bot.py'], ['python3', 'bot.py'], true],
    [['/usr/bin/python3', 'bot.py'], ['python3', 'bot.py'], true],
    [['/usr/bin/python3', '/usr/bin/freqtrade', 'trade'], ['freqtrade', 'trade'], true],
    [['/usr/bin/python3', '-u', './bot.py'], ['./bot.py'], true],
    [['python3', 'bot.py', '--dry-run'], ['python3', 'bot.py'], false],
    [['python3', 'other.py'], ['python3', 'bot.py'], false],
    [['vim', 'bot.py'], ['bot.py'], false],
    [[], ['bot.py'], false],
  ])('%j for %j -> %s', (shown, command, expected) => {
    expect(sameCommand(shown, command)).toBe(expected)
  })
})
