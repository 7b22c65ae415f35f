/**
 * The README's walk from a clone to a protected freqtrade bot, line by line as it stands there, on a throw-away host with a real systemd.
 * Not run of it: `npm ci`, because what it installs is here already, and the Compose variant. The bot is a stand-in with freqtrade's tables.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { systemd } from '../hosts/needs.ts'
import { type SystemdHost, startSystemdHost } from '../hosts/systemd-host.ts'
import { describeWith, python } from '../needs.ts'
import { repository, until } from '../support/system.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

/** Shell blocks of one section. */
function blocksOf(title: string): readonly string[] {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8')
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? ''
  return [...section.matchAll(/```bash\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
}

describeWith([systemd, python], 'the walk of the README with a freqtrade bot under systemd', () => {
  let host: SystemdHost
  let python3 = ''
  const [install = '', next = '', prove = '', compose = ''] = blocksOf('Protect a freqtrade bot')
  const run = (program: string) => host.run('bash', ['-ec', `cd /srv/genesis-dr; ${program}`], 60_000)

  beforeAll(async () => {
    host = await startSystemdHost()
    // A clone in which `npm ci` was run, as far as the command needs it.
    const clone = join(host.folder, 'clone')
    mkdirSync(join(clone, 'node_modules/.bin'), { recursive: true })
    const platform = readdirSync(join(repository, 'node_modules')).filter((name) => /^node-linux-/.test(name))
    for (const name of [
      'package.json',
      'bin',
      'scripts',
      'src',
      ...['commander', 'yaml', 'zod', ...platform].map((one) => `node_modules/${one}`),
    ])
      cpSync(realpathSync(join(repository, name)), join(clone, name), { recursive: true })
    cpSync(join(repository, 'node_modules/.bin/node'), join(clone, 'node_modules/.bin/node'), { verbatimSymlinks: true })
    for (const name of ['freqtrade.py', 'freqtrade.sql']) cpSync(join(repository, 'test/writers', name), join(host.folder, name))
    python3 = (await host.shell('command -v /usr/bin/python3 || python3 -c "import sys; print(sys.executable)"')).trim()
    await host.shell(`
      echo ftuser:x:1999:1999::/srv/freqtrade:/bin/sh >>/etc/passwd; echo ftuser:x:1999: >>/etc/group
      chmod a+x /root ${host.folder}
      mkdir -p /srv/genesis-dr /srv/freqtrade /mnt/backup
      mount --bind ${clone} /srv/genesis-dr; mount -t tmpfs tmpfs /mnt/backup
      cp ${host.folder}/freqtrade.* /srv/freqtrade/; chown -R ftuser:ftuser /srv/freqtrade`)
    await host.install(
      'freqtrade.service',
      `[Service]\nUser=ftuser\nWorkingDirectory=/srv/freqtrade\nExecStart=${python3} freqtrade.py --db tradesv3.sqlite --witness witness\nRestart=always\n[Install]\nWantedBy=multi-user.target\n`,
    )
    await host.shell('systemctl start freqtrade; for i in $(seq 200); do test -s /srv/freqtrade/witness && exit 0; sleep 0.1; done; exit 1')
  })
  afterAll(() => host.end())

  it('init, its next lines, validate, status -> protected within five minutes, while the bot trades', async () => {
    const from = performance.now()
    expect(install).toContain('\nnpm ci\n')
    const told = await run(install.replace('\nnpm ci\n', '\n'))
    expect([told.status, told.status === 0 ? '' : told.stderr]).toEqual([0, ''])
    expect(told.stdout).not.toContain('needs attention')
    expect(told.stdout).toMatch(/systemd unit +freqtrade \(has it open\)/)
    expect(told.stdout).toContain(next)
    expect(await run(next)).toMatchObject({ status: 0 })
    // The first copy of the whole takes a moment.
    await until(
      async () => (await run('npx genesis-dr replication-status --config /srv/freqtrade/genesis-dr.yaml')).status === 0,
      'the copy follows',
      60_000,
    )
    const [validate = '', status = '', dryRun = ''] = prove.trim().split('\n')
    expect((await run(validate)).stdout).toContain('was restored and passes')
    const shown = await run(status)
    expect([shown.status, shown.stdout.split('\n')[0]]).toEqual([
      0,
      expect.stringMatching(/^If this host died now: back in .*, proven .* ago\.$/),
    ])
    expect(await run(dryRun)).toMatchObject({ status: 0, stdout: expect.stringContaining('nothing was changed') })
    expect(performance.now() - from).toBeLessThan(5 * 60_000)
    expect(await host.shell('stat -c %U /mnt/backup/freqtrade/00000001 /srv/freqtrade/tradesv3.sqlite-wal')).toBe('ftuser\nftuser\n')
  })
  it('then trading is stopped, and somebody starts the unit by hand -> the drop-in keeps it stopped, until the latch is gone', async () => {
    const config = '--yes freqtrade --config /srv/freqtrade/genesis-dr.yaml'
    const isActive = async (): Promise<string> => (await host.run('systemctl', ['is-active', 'freqtrade'], 5000)).stdout.trim()
    // In namespaces it is not proven, because processes outside of them could have the file open; it is stopped all the same.
    expect([0, 3]).toContain((await run(`npx genesis-dr stop-trading ${config}`)).status)
    await host.shell('systemctl start freqtrade')
    expect(await isActive()).toBe('inactive')
    await host.shell('rm /srv/freqtrade/.genesis/halt.json; systemctl start freqtrade')
    expect(await isActive()).toBe('active')
  })

  it('the compose line -> one that the program takes', () => expect(compose).toMatch(/^npx genesis-dr init /))
})
