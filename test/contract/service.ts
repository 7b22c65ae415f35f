/** What every Service promises: the same stories for a plain command and for a systemd unit. */
import { expect, it } from 'vitest'
import { isDrError } from '../../src/errors.ts'
import type { Service } from '../../src/ports/service.ts'

/** Small bots as shell programs, each named by how it behaves. */
export const bots = {
  obedient: `trap 'echo stopping; exit 0' TERM; n=0; while :; do n=$((n+1)); echo "line $n"; sleep 0.05; done`,
  stubborn: `trap '' TERM; (while :; do sleep 0.2; done) & echo ready; while :; do sleep 0.2; done`,
  'ends with 7': 'echo trading; sleep 2; echo "cannot go on"; exit 7',
  'fails at once': 'echo "no such exchange"; exit 3',
} as const

export type BotKind = keyof typeof bots

/** Where the suite runs. Pids are those that the service answers. */
export interface ServiceHost {
  serviceOf(bot: BotKind): Promise<Service>
  isAlive(pid: number): Promise<boolean>
  kill(pid: number): Promise<void>
}

export function serviceContract(host: () => ServiceHost): void {
  const begun = async (bot: BotKind): Promise<Service> => {
    const service = await host().serviceOf(bot)
    expect((await service.start()).running).toBe('yes')
    return service
  }
  const aliveOf = async (pids: readonly number[]): Promise<number[]> => {
    const answers = await Promise.all(pids.map(async (pid) => ((await host().isAlive(pid)) ? [pid] : [])))
    return answers.flat()
  }

  it('it was never started -> not running, with a reason', async () => {
    const state = await (await host().serviceOf('obedient')).state()
    expect(state).toMatchObject({ running: 'no', pids: [] })
    expect(state.because).not.toBe('')
  })

  it('it is started -> running, with the pids of living processes', async () => {
    const service = await begun('obedient')
    const state = await service.state()
    expect(state).toMatchObject({ running: 'yes', exitStatus: null })
    expect(state.pids.length).toBeGreaterThan(0)
    expect((await aliveOf(state.pids)).length).toBeGreaterThan(0)
  })

  it('it is started twice -> the running one is left alone', async () => {
    const service = await begun('obedient')
    const [first] = (await service.state()).pids
    expect((await service.start()).pids).toContain(first)
  })

  it('it is stopped -> not running, its processes are gone, and its exit status is right or not known', async () => {
    const service = await begun('obedient')
    const { pids } = await service.state()
    const stopped = await service.stop(5000)
    expect(stopped).toMatchObject({ running: 'no', pids: [] })
    expect([0, null]).toContain(stopped.exitStatus)
    expect(await aliveOf(pids)).toEqual([])
  })

  it('it is stopped twice, and when it never ran -> nothing happens', async () => {
    const service = await host().serviceOf('obedient')
    expect(await service.stop(1000)).toMatchObject({ running: 'no' })
    await service.start()
    await service.stop(5000)
    expect(await service.stop(1000)).toMatchObject({ running: 'no' })
  })

  it('it does not listen and has children -> all of them are ended by force', async () => {
    const service = await begun('stubborn')
    const { pids } = await service.state()
    expect(pids.length).toBeGreaterThan(1)
    expect(await service.stop(300)).toMatchObject({ running: 'no', pids: [], exitStatus: 137 })
    expect(await aliveOf(pids)).toEqual([])
  })

  it('it ends by itself with an error -> not running, with its exit status', async () => {
    const service = await begun('ends with 7')
    await expect.poll(() => service.state(), { timeout: 5000 }).toMatchObject({ running: 'no', exitStatus: 7 })
    expect((await service.state()).because).toContain('7')
  })

  it('somebody kills it -> not running, ended by a signal', async () => {
    const service = await begun('obedient')
    for (const pid of (await service.state()).pids) await host().kill(pid)
    await expect.poll(() => service.state(), { timeout: 5000 }).toMatchObject({ running: 'no' })
    const { exitStatus } = await service.state()
    expect([137, null]).toContain(exitStatus)
  })

  it('it fails at once -> that is an error, not a start', async () => {
    const service = await host().serviceOf('fails at once')
    const failure = await service.start().catch((error: unknown) => error)
    expect(isDrError(failure, 'SERVICE_START_FAILED')).toBe(true)
    expect(String(failure)).toContain('3')
    expect(await service.state()).toMatchObject({ running: 'no', exitStatus: 3 })
  })

  it('it is stopped and started again -> it runs as other processes', async () => {
    const service = await begun('obedient')
    const { pids } = await service.state()
    await service.stop(5000)
    const again = await service.start()
    expect(again.running).toBe('yes')
    expect(again.pids.filter((pid) => pids.includes(pid))).toEqual([])
  })

  const saidBy = async (service: Service, count = 500): Promise<string[]> => (await service.recentLog(count)).lines.map(({ text }) => text)

  it('it writes a log -> its newest lines, newest last, and no more than asked for', async () => {
    const service = await begun('obedient')
    await expect.poll(async () => (await saidBy(service)).includes('line 5'), { timeout: 5000 }).toBe(true)
    await service.stop(5000)
    const lines = await saidBy(service, 3)
    expect(lines.length).toBeLessThanOrEqual(3)
    expect(lines.length).toBeGreaterThan(0)
    expect((await saidBy(service)).filter((line) => line.startsWith('line ')).slice(0, 2)).toEqual(['line 1', 'line 2'])
    expect(await saidBy(service, 0)).toEqual([])
    expect((await service.recentLog(3)).gap).toBeNull()
  })

  it('it is started anew -> what it wrote in its life before is not told', async () => {
    const service = await begun('obedient')
    await service.stop(5000)
    expect(await saidBy(service)).toContain('stopping')
    await service.start()
    await expect.poll(async () => (await saidBy(service)).includes('line 2'), { timeout: 5000 }).toBe(true)
    expect(await saidBy(service)).not.toContain('stopping')
    await service.stop(5000)
    expect((await saidBy(service)).filter((line) => line === 'line 1')).toEqual(['line 1'])
  })
}
