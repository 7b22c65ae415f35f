/** The commands as a person uses them on their worst day: one folder, one configuration, a bot that trades, a webhook that listens. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { scenarioNames } from '../../src/scenario-names.ts'
import { children } from '../hosts/children.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { cliEntry, errorOf, hashOf } from '../support/cli.ts'
import { type Desk, openDesk } from '../support/desk.ts'
import { query, until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

const execute = ['execute', '--scenario', 'DATABASE_CORRUPTION']
const yes = ['--yes', 'desk']

describeWith([linuxProc], 'a desk whose database is damaged under its bot', () => {
  const start = children()
  let desk: Desk
  let team: Server
  const messages: string[] = []
  beforeEach(async () => {
    messages.length = 0
    team = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      request.on('end', () => {
        messages.push(text)
        response.end()
      })
    })
    await new Promise<void>((resolve) => team.listen(0, '127.0.0.1', resolve))
    desk = await openDesk(start)
  })
  afterEach(async () => {
    await desk.clear()
    await new Promise((resolve) => team.close(resolve))
  })
  const webhook = (): string => `http://127.0.0.1:${(team.address() as AddressInfo).port}/secret-path`
  const orders = (): number => Number(query(desk.database, 'SELECT count(*) AS rows FROM orders')['rows'])
  const tradesAgain = async (): Promise<void> => {
    const before = desk.acknowledged().length
    await until(() => desk.acknowledged().length > before + 5, 'the bot trades again')
  }

  it('dry run, execute, runs, validate, status -> recovered with nothing lost, and every screen says the same', async () => {
    desk.configure({ notify: [{ webhook: webhook() }] })
    // Started by somebody who named only the files; the other commands find it by the database.
    const files = ['--db', desk.database, '--replica', `file:${join(desk.folder, 'replica')}`]
    const capture = start(process.execPath, [cliEntry, 'replicate', '--json', ...files], { cwd: tmpdir() })
    await capture.line(/"attached"/)
    await until(async () => (await desk.json(['replication-status'])).status === 0, 'the capture follows')
    const { seen } = await desk.damage()
    const inode = statSync(desk.database).ino

    const foresee = () => desk.json([...execute, '--dry-run'])
    let dry = await foresee()
    // While a good copy of the page stands in the log, SQLite reads that one: the damage shows when the log begins anew, as in a drill.
    await until(async () => {
      if (String(dry.value['because']).includes('detected now: ')) return true
      dry = await foresee()
      return false
    }, 'a probe detects the damage')
    expect(dry).toMatchObject({ status: 0, value: { mode: 'dry-run', rtoMet: null, rpoMet: null, lostTransactions: null } })
    expect(String(dry.value['because'])).toMatch(/nothing was changed.*detected now: /)
    expect(readdirSync(join(desk.state, 'journal')).filter((name) => name.endsWith('.jsonl'))).toEqual([])
    expect(messages).toEqual([])
    expect(existsSync(join(desk.state, 'halt.json'))).toBe(false)
    expect(statSync(desk.database).ino).toBe(inode)
    await seen()

    const { status, value } = await desk.json([...execute, ...yes])
    expect(status).toBe(0)
    expect(value).toMatchObject({
      scenario: scenarioNames[0],
      mode: 'live',
      success: true,
      because: 'recovered; not proven: exchange',
      notProven: ['exchange'],
      rtoMet: true,
      rpoMet: true,
      dataLossMs: 0,
      lostTransactions: 0,
      lostOrders: null,
    })
    expect(messages).toHaveLength(1)
    expect(messages[0]).toContain('DATABASE CORRUPTION DETECTED on desk')
    await tradesAgain()
    const kept = desk.acknowledged()
    await until(() => orders() >= kept.length, 'every acknowledged order is there')

    const runId = String(value['runId'])
    const runs = await desk.json(['runs'])
    expect(runs.value).toMatchObject([{ runId, state: 'done', scenario: scenarioNames[0] }])
    const detail = await desk.json(['runs', 'show', runId])
    expect(detail.value).toMatchObject({ runId, result: { because: 'recovered; not proven: exchange' } })
    expect((await desk.json(['validate', '--run', runId])).status).toBe(0)
    expect(await desk.json(['validate'])).toMatchObject({ status: 0, value: { success: true, timeline: '00000002' } })
    const { value: shown } = await desk.json(['status'])
    expect(shown).toMatchObject({
      halt: null,
      service: { running: 'yes' },
      replication: { state: 'capturing', continuous: true },
      lastRun: { runId },
    })
    expect(String(shown['headline'])).toContain('lies on the same disk')
    const everything = JSON.stringify([value, runs, detail, shown]) + readFileSync(join(desk.state, 'journal', `${runId}.jsonl`), 'utf8')
    expect(everything).not.toContain('secret-path')

    const evidence = join(desk.state, 'evidence', runId)
    const manifest = JSON.parse(readFileSync(join(evidence, 'manifest.json'), 'utf8'))
    for (const file of manifest.files) expect(hashOf(join(evidence, file.name))).toBe(file.sha256)
    expect(manifest.files.map((file: { name: string }) => file.name)).toEqual(['bot.db', 'bot.db-shm', 'bot.db-wal'])
    expect(await capture.end('SIGTERM')).toBe(0)
  })

  it('a check of the user is wrong, so that no point is good -> not recovered; corrected, the same command recovers', async () => {
    const capture = await desk.replicate()
    await (await desk.damage()).seen()
    desk.configure({ checks: [{ name: 'a wrong one', sql: 'SELECT count(*) FROM orders', equals: -1 }] })
    const failed = await desk.json([...execute, ...yes])
    expect(failed).toMatchObject({ status: 1, value: { success: false, rtoMet: null } })
    expect(String(failed.value['because'])).toContain('a wrong one')
    expect(existsSync(desk.database)).toBe(false)
    expect((await desk.json(['status'])).value).toMatchObject({ halt: { holder: failed.value['runId'] }, lastRun: { state: 'failed' } })
    const refused = await desk.run(['resume-trading', ...yes])
    expect([errorOf(refused), refused.status]).toEqual(['DATABASE_MISSING', 2])

    desk.configure({ checks: [] })
    const again = await desk.json([...execute, ...yes])
    expect(again).toMatchObject({ status: 0, value: { success: true, lostTransactions: 0 } })
    const outage = Date.parse(String(again.value['endedAt'])) - Date.parse(String(failed.value['startedAt']))
    expect(again.value['recoveryTimeMs']).toBeGreaterThanOrEqual(outage)
    await tradesAgain()
    expect(readdirSync(join(desk.state, 'evidence')).length).toBeGreaterThanOrEqual(1)
    expect(await capture.end('SIGTERM')).toBe(0)
  })

  it('stop-trading -> the bot is stopped and stays so; recover to a time -> in place, on a new timeline; resume-trading -> it trades', async () => {
    const capture = await desk.replicate()
    const attached = desk.acknowledged().length
    await until(() => desk.acknowledged().length > attached + 60, 'more trades')
    const stopped = await desk.json(['stop-trading', ...yes])
    expect(stopped).toMatchObject({ status: 0, value: { outcome: 'done', notProven: [] } })
    const middle = desk.acknowledged()[attached + 30]
    expect(middle).toBeDefined()
    const before = orders()
    const mode = statSync(desk.database).mode

    const dry = await desk.json(['recover', '--timestamp', new Date(middle?.atMs ?? 0).toISOString(), '--dry-run'])
    expect(dry).toMatchObject({ status: 0, value: { dryRun: true } })
    expect(orders()).toBe(before)

    const recovered = await desk.json(['recover', '--timestamp', new Date(middle?.atMs ?? 0).toISOString(), ...yes])
    expect(recovered).toMatchObject({ status: 0, value: { output: desk.database, dryRun: false } })
    expect(orders()).toBeLessThan(before)
    expect(recovered.value['lostTransactions']).toBe(before - orders())
    expect(statSync(desk.database).mode).toBe(mode)
    expect(existsSync(join(String(recovered.value['evidence']), 'bot.db'))).toBe(true)

    const resumed = await desk.json(['resume-trading', ...yes])
    expect(resumed).toMatchObject({ status: 0, value: { outcome: 'done' } })
    await tradesAgain()
    const { value } = await desk.json(['backup-status'])
    expect(value).toMatchObject({
      timeline: '00000002',
      timelines: [{ timeline: '00000001' }, { timeline: '00000002', parent: '00000001' }],
    })
    expect(await capture.end('SIGTERM')).toBe(0)
  })

  it('a recovery was a mistake -> the last good point of the timeline that it gave up, and the journal tells which was asked for', async () => {
    const capture = await desk.replicate()
    const attached = desk.acknowledged().length
    await until(() => desk.acknowledged().length > attached + 40, 'more trades')
    await desk.json(['stop-trading', ...yes])
    const before = orders()
    const { value: backup } = await desk.json(['backup-status'])
    expect(await desk.json(['recover', '--timestamp', String(backup['earliest']), ...yes])).toMatchObject({ status: 0 })
    expect(orders()).toBeLessThan(before)

    const returned = await desk.json(['recover', '--last-good', '--timeline', '00000001', ...yes])
    expect(returned).toMatchObject({ status: 0, value: { timeline: '00000001', txid: backup['txid'], lostTransactions: null } })
    expect(orders()).toBe(before)
    expect((await desk.json(['backup-status'])).value).toMatchObject({ timelines: [{}, { parent: '00000001' }, { parent: '00000001' }] })

    const runs = await desk.json(['runs'])
    const runId = String(Object(runs.value.at(-1)).runId)
    const { value: shown } = await desk.json(['runs', 'show', runId])
    expect(shown['options']).toEqual({ timeline: '00000001', target: 'last-good' })
    expect(shown['steps']).toContainEqual(expect.objectContaining({ name: 'find-last-good', phase: 'recovery', outcome: 'done' }))
    expect(await capture.end('SIGTERM')).toBe(0)
  })

  it('no capture ran for a while, and none runs now -> the log at rest is drained, or the loss is said to be unknown', async () => {
    const capture = await desk.replicate()
    await capture.end('SIGKILL')
    await (await desk.damage()).seen()
    const { status, value } = await desk.json([...execute, ...yes])
    expect(status).toBe(0)
    expect(value).toMatchObject({ success: true })
    expect(value['notProven']).toContain('continuous copy')
    if (value['lostTransactions'] === null) expect(value).toMatchObject({ rpoMet: null, dataLossMs: null })
    await tradesAgain()
    const next = await desk.replicate()
    expect((await desk.json(['replication-status'])).status).toBe(0)
    expect(await next.end('SIGTERM')).toBe(0)
  })
})
