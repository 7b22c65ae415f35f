import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type BotKind, bots, serviceContract } from '../../../test/contract/service.ts'
import { systemd } from '../../../test/hosts/needs.ts'
import { type SystemdHost, startSystemdHost } from '../../../test/hosts/systemd-host.ts'
import { describeWith, python } from '../../../test/needs.ts'
import { isDrError } from '../../errors.ts'
import type { Service } from '../../ports/service.ts'
import { haltLatchAt } from '../filesystem/halt-latch.ts'
import { openFilesFromProc } from '../proc/open-files.ts'
import type { Run } from '../process/run-command.ts'
import { haltDropIn, probeHaltDropIn } from './halt-drop-in.ts'
import { systemdService } from './systemd-service.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

let host: SystemdHost
let serial = 0

describeWith([systemd], 'a bot as a systemd unit', () => {
  beforeAll(async () => {
    host = await startSystemdHost()
  }, 60_000)
  afterAll(() => host.end())

  /** A unit of its own that runs a shell program; `settings` go into its [Service] section. */
  const unitOf = async (program: string, settings = ''): Promise<{ name: string; script: string; service: Service }> => {
    const name = `bot-${++serial}`
    const script = join(host.folder, `${name}.sh`)
    writeFileSync(script, program)
    await host.install(`${name}.service`, `[Service]\nExecStart=/bin/sh ${script}\n${settings}\n`)
    return { name, script, service: systemdService({ unit: name, run: host.run }) }
  }
  const isAlive = async (pid: number): Promise<boolean> => (await host.run('kill', ['-0', String(pid)], 5000)).status === 0

  describe('the contract of a service', () => {
    serviceContract(() => ({
      serviceOf: async (bot: BotKind) => (await unitOf(bots[bot])).service,
      isAlive,
      kill: async (pid) => {
        await host.run('kill', ['-9', String(pid)], 5000)
      },
    }))
  })

  it('Restart=always and it is stopped through systemd -> it does not come back', async () => {
    const { service, name } = await unitOf(bots.obedient, 'Restart=always\nRestartSec=100ms')
    const { pids } = await service.start()
    expect(await service.stop(5000)).toMatchObject({ running: 'no', pids: [] })
    await host.shell('sleep 0.8')
    expect(await service.state()).toMatchObject({ running: 'no', pids: [] })
    expect(await host.shell(`systemctl show -p NRestarts --value ${name}`)).toBe('0\n')
    expect(await Promise.all(pids.map(isAlive))).not.toContain(true)
  })

  it('Restart=always and it is only killed -> it is back, which is why a bot is never stopped by signals', async () => {
    const { service } = await unitOf(bots.obedient, 'Restart=always\nRestartSec=100ms')
    const { pids } = await service.start()
    await host.run('kill', ['-9', ...pids.map(String)], 5000)
    await expect.poll(async () => (await service.state()).because, { timeout: 5000 }).toMatch(/^active .* restarted 1 times/)
    await service.stop(5000)
  })

  it('it crashes again and again under Restart=always -> running, with the status of its last end, until it is stopped', async () => {
    const { service } = await unitOf('sleep 0.6; echo "database disk image is malformed"; exit 1', 'Restart=always\nRestartSec=2s')
    await service.start()
    await expect.poll(() => service.state(), { timeout: 5000 }).toMatchObject({ running: 'yes', pids: [], exitStatus: 1 })
    expect((await service.state()).because).toMatch(/^activating \(auto-restart\), exited with status 1/)
    expect(await service.stop(3000)).toMatchObject({ running: 'no' })
    const { lines, gap } = await service.recentLog(10)
    expect([lines.at(-1)?.text, gap]).toEqual(['database disk image is malformed', null])
  })

  it('it crashes and systemd starts it again -> what it said at each end since somebody started it is told, and nothing older', async () => {
    // It lives on for a moment: the journal asks systemd whose a line is, and of one that is gone it is told its successor.
    const { service, script, name } = await unitOf(
      'echo "it was malformed last week"; sleep 0.3; exit 1',
      'Restart=always\nRestartSec=100ms\n[Unit]\nStartLimitIntervalSec=0\n[Install]\nWantedBy=basic.target',
    )
    await host.shell(`systemctl enable ${name}`)
    await host.shell(`systemctl start ${name}; sleep 1`)
    await service.stop(3000)
    writeFileSync(
      script,
      'n=$(cat "$0.n" 2>/dev/null || echo 0); echo $((n+1)) >"$0.n"; echo "life $n"; [ $n -ge 2 ] && exec sleep 60; sleep 0.3; exit 3',
    )
    await service.start().catch(() => 'it ends at once')
    await expect.poll(() => service.state(), { timeout: 5000 }).toMatchObject({ running: 'yes', restarts: 2, pids: [expect.any(Number)] })
    await expect.poll(async () => (await service.recentLog(50)).lines.map(({ text }) => text)).toEqual(['life 0', 'life 1', 'life 2'])
    const { lines } = await service.recentLog(50)
    expect(lines.every(({ atMs }) => atMs !== null && Math.abs(atMs - Date.now()) < 60_000)).toBe(true)
    await service.stop(3000)
    await service.start()
    await expect.poll(async () => (await service.recentLog(50)).lines.map(({ text }) => text)).toEqual(['life 3'])
    await service.stop(3000)
  })

  it('the unit writes to a file, or there is no journal to read -> what it says is not known, and why', async () => {
    const { service } = await unitOf(bots.obedient, `StandardOutput=append:${host.folder}/bot.out`)
    await service.start()
    expect(await service.recentLog(5)).toEqual({
      lines: [],
      gap: 'the unit does not write to the journal (StandardOutput=append)',
    })
    await service.stop(3000)
    const { name } = await unitOf(bots.obedient)
    const blind = systemdService({
      unit: name,
      run: (command, ...rest) => host.run(command === 'journalctl' ? '/absent/journalctl' : command, ...rest),
    })
    expect(await blind.recentLog(5)).toEqual({ lines: [], gap: expect.stringMatching(/^the journal cannot be read: ./) })
  })

  it('KillMode=process leaves its children running -> they are stopped too', async () => {
    const { service } = await unitOf(
      `trap 'exit 0' TERM; (trap '' TERM; while :; do sleep 0.2; done) & while :; do sleep 0.1; done`,
      'KillMode=process',
    )
    const { pids } = await service.start()
    expect(await service.stop(400)).toMatchObject({ running: 'no', pids: [] })
    expect(await Promise.all(pids.map(isAlive))).not.toContain(true)
  })

  it('it failed so often that systemd refuses to start it -> once it is repaired it starts all the same', async () => {
    const { service, script } = await unitOf('exit 1', '[Unit]\nStartLimitBurst=2\nStartLimitIntervalSec=1h')
    for (let attempt = 0; attempt < 4; attempt++) await expect(service.start()).rejects.toThrow(/exited with status 1|start-limit/)
    writeFileSync(script, bots.obedient)
    expect(await service.start()).toMatchObject({ running: 'yes' })
    await service.stop(5000)
  })

  it('systemd does not know the unit -> that is said, for every question', async () => {
    const service = systemdService({ unit: 'no-such-bot', run: host.run })
    for (const ask of [() => service.state(), () => service.start(), () => service.stop(100), () => service.recentLog(5)]) {
      expect(isDrError(await ask().catch((error: unknown) => error), 'SERVICE_UNKNOWN')).toBe(true)
    }
  })

  it('its unit file is deleted while it runs -> it is still seen and stopped', async () => {
    const { service, name } = await unitOf(bots.obedient)
    await service.start()
    await host.shell(`rm /etc/systemd/system/${name}.service && systemctl daemon-reload`)
    expect(await service.state()).toMatchObject({ running: 'yes' })
    const stopped = await service.stop(5000).catch((error: unknown) => error)
    if (!isDrError(stopped, 'SERVICE_UNKNOWN')) expect(stopped).toMatchObject({ running: 'no' })
  })

  it('the unit is masked -> it cannot be started, and the reason is told', async () => {
    const { service, name } = await unitOf(bots.obedient)
    await host.shell(`rm /etc/systemd/system/${name}.service && systemctl mask ${name}`)
    const failure = await service.start().catch((error: unknown) => error)
    expect(isDrError(failure, 'SERVICE_START_FAILED') && failure.message).toMatch(/masked/)
  })

  it.each<[string, (run: Run) => Run]>([
    [
      'systemd does not answer',
      (run) => (command, args, timeoutMs) =>
        run('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$0" "$@"', command, ...args], timeoutMs),
    ],
    ['there is no systemctl', (run) => (command, args, timeoutMs) => run(`/absent/${command}`, args, timeoutMs)],
    ['systemctl hangs', (run) => (_command, _args, timeoutMs) => run('sleep', ['60'], Math.min(timeoutMs, 200))],
  ])('%s -> unknown, never "not running"', async (_, broken) => {
    const { name, service } = await unitOf(bots.obedient)
    await service.start()
    const blind = systemdService({ unit: name, run: broken(host.run) })
    expect(await blind.state()).toMatchObject({ running: 'unknown', pids: [] })
    expect((await blind.state()).because).toMatch(/^systemd does not answer: ./)
    expect(isDrError(await blind.start().catch((error: unknown) => error), 'SERVICE_START_FAILED')).toBe(true)
    expect(await service.state()).toMatchObject({ running: 'yes' })
    await service.stop(5000)
  })

  it('the halt latch stands and its drop-in is in place -> nobody starts the bot, until the latch is released', async () => {
    const { name, service } = await unitOf(bots.obedient)
    const latch = haltLatchAt(join(host.folder, '100% halted'))
    const dropIn = haltDropIn(name, join(host.folder, '100% halted'))
    expect(await probeHaltDropIn(name, dropIn, host.run)).toMatchObject({ state: 'absent' })
    await host.install(dropIn.path.replace('/etc/systemd/system/', ''), dropIn.text)
    expect(await probeHaltDropIn(name, dropIn, host.run)).toMatchObject({ state: 'in place' })

    await latch.set({ holder: 'run-1', reason: 'corruption', setAtMs: 1 })
    await host.shell(`systemctl start ${name}`)
    expect(await service.state()).toMatchObject({ running: 'no' })
    await expect(service.start()).rejects.toThrow(/a condition of the unit does not hold/)

    await latch.release('run-1', { holder: 'run-1', reason: 'corruption', setAtMs: 1 })
    expect(await service.start()).toMatchObject({ running: 'yes' })
    await service.stop(5000)
  })

  it('the drop-in was altered, or is not loaded yet -> that is seen', async () => {
    const { name, service } = await unitOf(bots.obedient)
    await service.start()
    const dropIn = haltDropIn(name, '/var/lib/bot/halted')
    await host.shell(`mkdir -p ${dropIn.path.replace(/\/[^/]*$/, '')} && printf '%s' '${dropIn.text}' >${dropIn.path}`)
    expect(await probeHaltDropIn(name, dropIn, host.run)).toMatchObject({
      state: 'stale',
      because: expect.stringContaining('daemon-reload'),
    })
    await host.install(dropIn.path.replace('/etc/systemd/system/', ''), '[Unit]\n')
    expect(await probeHaltDropIn(name, dropIn, host.run)).toMatchObject({
      state: 'stale',
      because: expect.stringContaining('something else'),
    })
    await service.stop(5000)
  })
})

describeWith([systemd, python], 'a trading bot as a systemd unit', () => {
  beforeAll(async () => {
    host = await startSystemdHost()
  }, 60_000)
  afterAll(() => host.end())

  it('it writes a database that we see from outside its namespaces -> it is the holder until systemd has stopped it', async () => {
    const database = join(host.folder, 'trades.db')
    const witness = join(host.folder, 'witness')
    copyFileSync(fileURLToPath(new URL('../../../test/writers/writer.py', import.meta.url)), join(host.folder, 'writer.py'))
    const python3 = (await host.shell('command -v /usr/bin/python3 || command -v python3')).trim()
    const exec = `${python3} ${host.folder}/writer.py --db ${database} --witness ${witness} --rate 200`
    await host.install('genesis-trading.service', `[Service]\nExecStart=${exec}\nRestart=always\n[Install]\nWantedBy=basic.target\n`)
    await host.shell('systemctl enable genesis-trading')
    const service = systemdService({ unit: 'genesis-trading', run: host.run })
    await service.start()
    await expect.poll(() => statSync(witness, { throwIfNoEntry: false })?.size ?? 0, { timeout: 10_000 }).toBeGreaterThan(500)

    const { dev: device, ino: inode } = statSync(database)
    const openFiles = openFilesFromProc
    const before = await openFiles.holders([{ device, inode }])
    expect(before.processes.map((process) => process.command)).toEqual(['python3 writer.py'])
    expect(await service.stop(5000)).toMatchObject({ running: 'no', pids: [], exitStatus: 0 })
    expect(await openFiles.holders([{ device, inode }])).toMatchObject({ processes: [], complete: true })
    const lines = readFileSync(witness, 'utf8').trim().split('\n')
    expect(
      await host.shell(
        `${python3} -c "import sqlite3; print(sqlite3.connect('${database}').execute('select max(seq) from ticks').fetchone()[0])"`,
      ),
    ).toBe(`${lines.length}\n`)
    rmSync(database)
  })
})
