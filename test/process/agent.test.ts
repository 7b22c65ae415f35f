/** The agent beside a real bot: damage, crashes of the bot and of the agent, and a person who stopped the bot. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it, vi } from 'vitest'
import { witnessedLoss } from '../../src/drill/loss.ts'
import type { Child } from '../hosts/children.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { cliEntry, errorOf } from '../support/cli.ts'
import { type Desk, withDesk } from '../support/desk.ts'
import { query, until } from '../support/system.ts'

// Mostly these wait.
vi.setConfig({ testTimeout: 120_000, maxConcurrency: 3 })

interface Room {
  readonly desk: Desk
  /** Titles of what people were told. */
  readonly told: readonly string[]
  /** The bot as the product starts it: how it ends is known then. */
  restartBot(): Promise<void>
  startAgentOnly(): Child
  /** Resolves when it has looked once. */
  startAgent(): Promise<Child>
  /** All that was acknowledged before the damage is there, and the bot trades on. */
  expectRecovered(before: number): Promise<void>
}

const inRoom = (story: (room: Room) => Promise<void>): Promise<void> =>
  withDesk(async (desk, start) => {
    const told: string[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (text: Buffer) => {
        body += text.toString()
      })
      request.on('end', () => {
        told.push(String(JSON.parse(body).title))
        response.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : 0
    desk.configure({ autoExecute: ['DATABASE_CORRUPTION'], notify: [{ webhook: `http://127.0.0.1:${port}/` }] })
    const startAgentOnly = (): Child =>
      start(process.execPath, [cliEntry, 'agent', '--json', '--config', join(desk.folder, 'genesis-dr.yaml')])
    const room: Room = {
      desk,
      told,
      restartBot: async () => {
        expect((await desk.run(['stop-trading', '--yes', 'desk'])).status).toBe(0)
        expect((await desk.run(['resume-trading', '--yes', 'desk'])).status).toBe(0)
      },
      startAgentOnly,
      startAgent: async () => {
        const agent = startAgentOnly()
        await agent.line(/"looked"/)
        return agent
      },
      expectRecovered: async (before) => {
        await until(() => desk.acknowledged().length > before + 20, 'the bot trades on')
        const database = new DatabaseSync(desk.database, { readOnly: true })
        const orders = database.prepare('SELECT id FROM orders').all()
        database.close()
        const ids = new Set(orders.map(({ id }) => String(id)))
        expect(witnessedLoss(desk.acknowledged().slice(0, before), ids).lostOrders).toEqual([])
        expect(query(desk.database, 'PRAGMA quick_check')).toEqual({ quick_check: 'ok' })
      },
    }
    try {
      await story(room)
    } finally {
      server.close()
    }
  })

/** A check of the user that takes its time. */
const countingTo = (last: number) => ({
  name: 'counts',
  sql: `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${last}) SELECT count(*) FROM n`,
  equals: last,
})

/** How many errands it has sent that are not back. */
function errandsOf({ pid }: Child): number {
  const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  return pids.filter((one) => readFileSync(`/proc/${one}/cmdline`, 'utf8').includes('/errand.ts')).length
}

describeWith([linuxProc], 'an agent', () => {
  it.concurrent('the file is damaged under the bot -> it recovers by itself, tells people, and status knows who watches', () =>
    inRoom(async ({ desk, told, restartBot, startAgent, expectRecovered }) => {
      await restartBot()
      const agent = await startAgent()
      await agent.line(/"rehearsed","success":true/)
      const { value } = await desk.json(['status'])
      expect(value['headline']).toMatch(/^If this host died now: nothing could be restored, the replica lies on the same disk/)
      expect(value['agent']).toMatchObject({ pid: agent.pid, found: '', untold: '' })
      expect((await desk.run(['status'])).stdout).toMatch(/watch +watched [\d.]+ m?s ago by the agent \(process \d+\); nothing was found/)
      const before = desk.acknowledged().length
      const { seen: done } = await desk.damage('overwritten-range')
      await agent.line(/"decided","do":"execute"/)
      await agent.line(/"run-started"/)
      await done()
      expect(await agent.line(/"run-concluded"/)).toContain('"success":true')
      await expectRecovered(before)
      await until(() => told.some((title) => title.includes('recovered')), 'people are told')
      expect(told).toEqual(expect.arrayContaining([expect.stringContaining('DETECTED'), expect.stringContaining('recovered')]))
      expect(await agent.end('SIGTERM')).toBe(0)
    }))

  it.concurrent('a person stopped the bot, and the file is damaged then -> a person is called, and the bot stays stopped', () =>
    inRoom(async ({ desk, told, startAgent }) => {
      const agent = await startAgent()
      expect((await desk.run(['stop-trading', '--yes', 'desk'])).status).toBe(0)
      const trades = desk.acknowledged().length
      const { seen: done } = await desk.damage('header')
      await done()
      expect(await agent.line(/"decided","do":"call"/)).toContain('halted by person:')
      await until(() => told.length > 0, 'a person is called')
      expect(readFileSync(join(desk.state, 'halt.json'), 'utf8')).toContain('person:')
      expect(desk.acknowledged().length).toBe(trades)
      expect(await agent.end('SIGTERM')).toBe(0)
    }))

  it.concurrent('it is told to end in the middle of a look that hangs in SQLite -> it ends at once, flushed', () =>
    inRoom(async ({ desk, startAgentOnly }) => {
      desk.configure({ checks: [countingTo(1e12)] })
      const agent = startAgentOnly()
      await agent.line(/"attached"/)
      await until(() => errandsOf(agent) > 0, 'a look begins')
      const began = performance.now()
      expect(await agent.end('SIGTERM')).toBe(0)
      expect(performance.now() - began).toBeLessThan(10_000)
      expect(await agent.line(/"stopped"/)).toContain('"complete":true')
    }))

  it.concurrent('it is told to end in the middle of a rehearsal, after one that was killed there -> no scratch file stays', () =>
    inRoom(async ({ desk, startAgent }) => {
      desk.configure({ checks: [countingTo(2e7)] })
      const scratch = `${desk.database}.genesis-dr-rehearsal`
      writeFileSync(scratch, 'left')
      const agent = await startAgent()
      await until(() => (statSync(scratch, { throwIfNoEntry: false })?.size ?? 0) > 4096, 'a rehearsal restores', 60_000)
      expect(await agent.end('SIGTERM')).toBe(0)
      expect(readdirSync(desk.folder).filter((name) => name.includes('genesis-dr-rehearsal'))).toEqual([])
    }))

  it.concurrent('it is killed -9 in the middle of its run -> the next agent goes on with that run', () =>
    inRoom(async ({ desk, restartBot, startAgent, expectRecovered }) => {
      await restartBot()
      const agent = await startAgent()
      const before = desk.acknowledged().length
      const { seen: done } = await desk.damage('overwritten-range')
      await agent.line(/"run-started"/)
      await done()
      await agent.line(/"step-began","step":"preserve-evidence"/)
      agent.process.kill('SIGKILL')
      await agent.end()
      const next = await startAgent()
      await next.line(/"run-resumed"/)
      expect(await next.line(/"run-concluded"/)).toContain('"success":true')
      await expectRecovered(before)
      const { value } = await desk.json(['runs'])
      expect(value).toHaveLength(1)
      const copies = async (): Promise<boolean> => (await desk.json(['replication-status'])).value['state'] === 'capturing'
      await until(copies, 'the database is copied again', 30_000)
      expect(await next.end('SIGTERM')).toBe(0)
    }))

  it.concurrent('the bot is killed -> it is looked at within seconds, and nothing is found', () =>
    inRoom(async ({ desk, startAgent }) => {
      const agent = await startAgent()
      const { value } = await desk.json(['status'])
      const { because } = Object(value['service'])
      const pid = Number(/pid (\d+)/.exec(String(because))?.[1])
      process.kill(pid, 'SIGKILL')
      expect(await agent.line(/"looked","why":"a process of the bot ended"/)).toContain('"found":""')
      expect(await agent.end('SIGTERM')).toBe(0)
    }))

  it.concurrent('the disk went back to yesterday, and it may bring back what is missing -> all trades are there, the bot trades on', () =>
    inRoom(async ({ desk, told, startAgent, startAgentOnly, restartBot, expectRecovered }) => {
      desk.configure({ autoExecute: ['DATABASE_OLDER'] })
      const files = [desk.database, `${desk.database}-wal`]
      const rest = async (agent: Child): Promise<void> => {
        expect((await desk.run(['stop-trading', '--yes', 'desk'])).status).toBe(0)
        expect(await agent.end('SIGTERM')).toBe(0)
      }
      await rest(await startAgent())
      const saved = files.map((file) => (existsSync(file) ? readFileSync(file) : null))
      await restartBot()
      const agent = await startAgent()
      const then = desk.acknowledged().length
      await until(() => desk.acknowledged().length > then + 300, 'the bot trades')
      await rest(agent)
      const before = desk.acknowledged().length
      rmSync(`${desk.database}-shm`, { force: true })
      for (const [at, bytes] of saved.entries()) {
        if (bytes === null) rmSync(files[at] ?? '', { force: true })
        else writeFileSync(files[at] ?? '', bytes)
      }
      // Where the bot were first, its log might come to be ahead of what was published, and nothing would tell.
      const next = startAgentOnly()
      await next.line(/"type":"older"/)
      await restartBot()
      expect(await next.line(/"decided","do":"execute"/)).toContain('"timeline":"00000001"')
      expect(await next.line(/"run-concluded"/)).toContain('"success":true')
      await expectRecovered(before)
      await until(() => told.some((title) => title.includes('recovered')), 'people are told')
      expect(told).toEqual(expect.arrayContaining([expect.stringContaining('older'), expect.stringContaining('recovered')]))
      const { value } = await desk.json(['status'])
      expect(value['older']).toEqual([])
      expect(await next.end('SIGTERM')).toBe(0)
    }))

  it.concurrent('a second one is started -> refused with 4, and names the first', () =>
    inRoom(async ({ desk, startAgent }) => {
      const agent = await startAgent()
      const second = await desk.run(['agent'])
      expect(second.status).toBe(4)
      expect(errorOf(second)).toBe('AGENT_RUNNING')
      expect(second.stderr).toContain(`process ${agent.pid} `)
      expect(await agent.end('SIGTERM')).toBe(0)
    }))
})
