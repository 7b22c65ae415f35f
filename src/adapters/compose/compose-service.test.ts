import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { bots, serviceContract } from '../../../test/contract/service.ts'
import { botImage, type DockerHost, startDockerHost } from '../../../test/hosts/docker-host.ts'
import { docker } from '../../../test/hosts/needs.ts'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import { isDrError } from '../../errors.ts'
import type { Service } from '../../ports/service.ts'
import { readProcess } from '../proc/process-table.ts'
import { type Run, runCommand } from '../process/run-command.ts'
import { type ComposeServiceOptions, composeLatchGap, composeService } from './compose-service.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

const standIn = fileURLToPath(new URL('../../../test/hosts/stand-in-docker.mjs', import.meta.url))
let folder = ''
let empty = ''
const running: ComposeServiceOptions[] = []

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'compose-service-')))
  empty = realpathSync(mkdtempSync(join(tmpdir(), 'compose-service-')))
})
afterEach(async () => {
  for (const options of running.splice(0)) await composeService(options).stop(0)
  for (const made of [folder, empty]) rmSync(made, { recursive: true })
})

const recorded: Run = (_command, args, timeoutMs) => runCommand(process.execPath, [standIn, folder, ...args], timeoutMs)

/** A service `bot` in a compose file, which is JSON as well as YAML. */
function optionsOf(run: Run, program: string, over: object = {}): ComposeServiceOptions {
  const file = join(folder, 'compose.yaml')
  const bot = { image: botImage, network_mode: 'none', command: ['/bin/sh', '-c', program.replaceAll('$', '$$$$')], ...over }
  writeFileSync(file, JSON.stringify({ services: { bot } }))
  const options = { service: 'bot', at: { file }, run }
  running.push(options)
  return options
}

/** The same on recorded output and on a docker that runs. */
function stories(run: Run): void {
  const serviceOf = (program: string, over: object = {}): Service => composeService(optionsOf(run, program, over))

  serviceContract(() => ({
    serviceOf: async (bot) => serviceOf(bots[bot]),
    isAlive: async (pid) => readProcess(pid)?.ended === false,
    kill: async (pid) => {
      await runCommand('kill', ['-9', String(pid)], 5000)
    },
  }))

  it('restart: always and it crashes again and again -> it runs, with its last end, what it said, and how often; then it is stopped', async () => {
    const service = serviceOf('echo "database disk image is malformed"; sleep 0.5; exit 1', { restart: 'always' })
    await service.start().catch(() => 'it crashed before it was looked at')
    await expect.poll(async () => (await service.state()).restarts, { timeout: 10_000 }).toBeGreaterThan(1)
    const said = (await service.recentLog(9)).lines.map(({ text }) => text)
    expect(said.slice(0, 2)).toEqual(Array(2).fill('database disk image is malformed'))
    await expect.poll(() => service.state(), { timeout: 10_000, interval: 10 }).toMatchObject({ running: 'yes', exitStatus: 1 })
    expect(await service.stop(1000)).toMatchObject({ running: 'no', pids: [], exitStatus: expect.any(Number) })
  })

  it.each([
    ['always', /^a reboot, or a restart of docker, would start bot past a halt latch: write "restart: unless-stopped"/],
    ['unless-stopped', null],
  ])('restart: %s -> what would start it past a latch is named, or nothing would', async (restart, gap) => {
    const options = optionsOf(run, bots.obedient, { restart })
    expect(await composeLatchGap(options)).toBeNull()
    await composeService(options).start()
    await composeService(options).stop(3000)
    const named = await composeLatchGap(options)
    if (gap === null) expect(named).toBeNull()
    else expect(named).toMatch(gap)
  })

  it('the compose file lies in the folder of the settings -> it is found there', async () => {
    const found = composeService({ ...optionsOf(run, bots.obedient), at: { folder } })
    expect(await found.start()).toMatchObject({ running: 'yes' })
  })

  it.each<[string, () => ComposeServiceOptions]>([
    ['no such service', () => ({ ...optionsOf(run, bots.obedient), service: 'other' })],
    ['no such file', () => ({ ...optionsOf(run, bots.obedient), at: { file: join(folder, 'absent.yaml') } })],
    ['no file in the folder', () => ({ ...optionsOf(run, bots.obedient), at: { folder: empty } })],
  ])('%s -> that is said, for every question', async (_, make) => {
    const service = composeService(make())
    for (const ask of [() => service.state(), () => service.start(), () => service.stop(100), () => service.recentLog(5)]) {
      expect(isDrError(await ask().catch((error: unknown) => error), 'SERVICE_UNKNOWN')).toBe(true)
    }
  })
}

describeWith([linuxProc], 'a bot as a compose service, by recorded output', () => stories(recorded))

describeWith([docker], 'a bot as a compose service, by a docker that runs', () => {
  let host: DockerHost
  beforeAll(async () => {
    host = await startDockerHost()
  }, 60_000)
  afterAll(() => host.end(), 60_000)
  stories((...asked) => host.run(...asked))
})

describeWith([linuxProc], 'docker in a machine of its own', () => {
  it('-> it is stopped, and that is not known, because nobody there can be looked into', async () => {
    const run: Run = (command, args, timeoutMs) =>
      args[0] === 'info' ? Promise.resolve({ status: 0, stdout: '6.6.12-linuxkit\n', stderr: '' }) : recorded(command, args, timeoutMs)
    const service = composeService(optionsOf(run, bots.obedient))
    await service.start()
    expect(await service.stop(3000)).toMatchObject({
      running: 'unknown',
      because: expect.stringMatching(/exited with status 0, but docker runs on another kernel \(6\.6\.12-linuxkit\) than this host/),
    })
  })
})

describe('docker does not tell', () => {
  const saying =
    (stdout: string, status: number | null = 0, stderr = ''): Run =>
    async () => ({ status, stdout, stderr })

  it.each<[string, Run, RegExp]>([
    [
      'no daemon',
      saying('', 1, 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?\n'),
      /Cannot connect/,
    ],
    ['no docker', saying('', null, 'there is no docker here'), /there is no docker here/],
    [
      'no compose',
      saying('', 1, "docker: unknown command: docker compose\n\nRun 'docker --help' for more information"),
      /unknown command: docker compose$/,
    ],
    ['something else than JSON', saying('NAME  STATUS\n'), /something else than JSON/],
    [
      'nothing of its containers',
      async (_, args) => ({ status: args.includes('ps') ? 0 : 1, stdout: '{"ID":"a1"}\n', stderr: 'gone' }),
      /gone/,
    ],
  ])('%s -> unknown, never "not running"', async (_, run, because) => {
    const service = composeService({ service: 'bot', at: { folder: '/srv' }, run })
    expect(await service.state()).toMatchObject({ running: 'unknown', pids: [], because: expect.stringMatching(because) })
    expect(await service.recentLog(5)).toEqual({ lines: [], gap: expect.stringMatching(because) })
    expect(isDrError(await service.start().catch((error: unknown) => error), 'SERVICE_START_FAILED')).toBe(true)
  })
})
