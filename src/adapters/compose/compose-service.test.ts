import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bots, serviceContract } from '../../../test/contract/service.ts'
import { describeWith, linuxProc } from '../../../test/needs.ts'
import { isDrError } from '../../errors.ts'
import type { Service } from '../../ports/service.ts'
import { readProcess } from '../proc/process-table.ts'
import { type Run, runCommand } from '../process/run-command.ts'
import { composeLatchGap, composeService } from './compose-service.ts'

// Real processes on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 })

const standIn = fileURLToPath(new URL('../../../test/hosts/stand-in-docker.mjs', import.meta.url))
let folder = ''
const running: Service[] = []

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'compose-service-')))
})
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop(0)
  rmSync(folder, { recursive: true })
})

const docker: Run = (_command, args, timeoutMs) => runCommand(process.execPath, [standIn, folder, ...args], timeoutMs)

/** A service `bot` in a compose file, which is JSON as well as YAML. */
function optionsOf(program: string, over: object = {}) {
  const file = join(folder, 'compose.yaml')
  writeFileSync(file, JSON.stringify({ services: { bot: { command: ['/bin/sh', '-c', program], ...over } } }))
  return { service: 'bot', at: { file }, run: docker }
}
function serviceOf(program: string, over: object = {}): Service {
  const service = composeService(optionsOf(program, over))
  running.push(service)
  return service
}

describeWith([linuxProc], 'a bot as a compose service, by recorded output', () => {
  serviceContract(() => ({
    serviceOf: async (bot) => serviceOf(bots[bot]),
    isAlive: async (pid) => readProcess(pid)?.ended === false,
    kill: async (pid) => {
      await runCommand('kill', ['-9', String(pid)], 5000)
    },
  }))

  it('restart: always and it crashes again and again -> it runs, with its last end, what it said, and how often; then it is stopped', async () => {
    const service = serviceOf('echo "database disk image is malformed"; sleep 0.5; exit 1', { restart: 'always' })
    await service.start()
    await expect.poll(async () => (await service.state()).restarts, { timeout: 10_000 }).toBeGreaterThan(1)
    expect((await service.recentLog(9)).lines.map(({ text }) => text).slice(0, 2)).toEqual(
      Array(2).fill('database disk image is malformed'),
    )
    await expect.poll(() => service.state(), { timeout: 10_000, interval: 10 }).toMatchObject({ running: 'yes', exitStatus: 1 })
    expect(await service.stop(1000)).toMatchObject({ running: 'no', pids: [], exitStatus: expect.any(Number) })
  })

  it('restart: always -> what would start it past a latch is named; any other policy does not', async () => {
    const options = optionsOf(bots.obedient, { restart: 'always' })
    expect(await composeLatchGap(options)).toBeNull()
    const service = serviceOf(bots.obedient, { restart: 'always' })
    await service.start()
    await service.stop(3000)
    expect(await composeLatchGap(options)).toMatch(
      /^a reboot, or a restart of docker, would start bot past a halt latch: write "restart: unless-stopped"/,
    )
    const careful = serviceOf(bots.obedient, { restart: 'unless-stopped' })
    await careful.start()
    expect(await composeLatchGap(options)).toBeNull()
  })

  it('the compose file lies in the folder of the settings -> it is found there', async () => {
    const { service, run } = optionsOf(bots.obedient)
    const found = composeService({ service, at: { folder }, run })
    running.push(found)
    expect(await found.start()).toMatchObject({ running: 'yes' })
  })

  it.each<[string, () => Service]>([
    ['no such service', () => composeService({ ...optionsOf(''), service: 'other' })],
    ['no such file', () => composeService({ ...optionsOf(''), at: { file: join(folder, 'absent.yaml') } })],
    ['no file in the folder', () => composeService({ ...optionsOf(''), at: { folder: join(folder, 'absent') } })],
  ])('%s -> that is said, for every question', async (_, make) => {
    mkdirSync(join(folder, 'absent'))
    const service = make()
    for (const ask of [() => service.state(), () => service.start(), () => service.stop(100), () => service.recentLog(5)]) {
      expect(isDrError(await ask().catch((error: unknown) => error), 'SERVICE_UNKNOWN')).toBe(true)
    }
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
