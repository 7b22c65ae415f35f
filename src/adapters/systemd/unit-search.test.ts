/** The unit behind a database, asked of a real systemd; that of a running process is found in the walk of the README. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemd } from '../../../test/hosts/needs.ts'
import { type SystemdHost, startSystemdHost } from '../../../test/hosts/systemd-host.ts'
import { describeWith } from '../../../test/needs.ts'
import { runCommand } from '../process/run-command.ts'
import { unitSearch } from './unit-search.ts'

describeWith([systemd], 'units of a host', () => {
  let host: SystemdHost
  beforeAll(async () => {
    host = await startSystemdHost()
    mkdirSync(join(host.folder, 'bot'))
    await host.install('by-folder.service', `[Service]\nWorkingDirectory=${host.folder}/bot\nExecStart=/bin/true\n`)
    await host.install('by-argument.service', `[Service]\nExecStart=/bin/true --db-url sqlite:///${host.folder}/db/trades.sqlite\n`)
    await host.install(
      'genesis-dr-bot.service',
      `[Service]\nExecStart=/bin/true /x/genesis-dr.js replicate --config ${host.folder}/bot/genesis-dr.yaml\n`,
    )
    await host.install('pair@.service', `[Service]\nWorkingDirectory=${host.folder}/bot\nExecStart=/bin/true %i\n`)
  }, 60_000)
  afterAll(() => host.end())
  const look = (...folders: readonly string[]) =>
    unitSearch(host.run)(
      [],
      folders.map((one) => join(host.folder, one)),
    )

  it('nothing runs -> those that name the folder, not ours and no template', async () => {
    expect((await look('bot')).found).toEqual([{ name: 'by-folder', by: 'text' }])
    expect((await look('db')).found).toEqual([{ name: 'by-argument', by: 'text' }])
    expect((await look('bot', 'db')).found).toHaveLength(2)
  })

  it('none names it -> none, with how many were looked at', async () => {
    expect(await look('absent')).toEqual({ found: [], because: expect.stringMatching(/^\d+ units were looked at$/) })
  })

  it('a process of no unit has it open -> looked for by the folder', async () => {
    expect((await unitSearch(host.run)([process.pid], [join(host.folder, 'bot')])).found).toEqual([{ name: 'by-folder', by: 'text' }])
  })
})

it('there is no systemd -> none, and why it cannot be told', async () => {
  const found = await unitSearch((_command, args, timeoutMs) => runCommand('/absent/systemctl', args, timeoutMs))(
    [process.pid],
    ['/srv/bot'],
  )
  expect(found).toEqual({ found: [], because: expect.stringContaining('systemd does not answer: there is no /absent/systemctl here') })
})
