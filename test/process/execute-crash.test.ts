/**
 * The runbook's own process is killed between every two steps, and inside of them, before and after each call that changes something, and
 * started again: the end is the same.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { openDamageTarget } from '../../src/adapters/filesystem/damage.ts'
import { entryPath } from '../../src/adapters/sandbox/sandbox.ts'
import { must } from '../../src/assert.ts'
import { serviceOf } from '../../src/compose-system.ts'
import { botChecks } from '../../src/drill/bot-schema.ts'
import { witnessedLoss } from '../../src/drill/loss.ts'
import { decodeWitness } from '../../src/drill/witness.ts'
import type { Service } from '../../src/ports/service.ts'
import { databaseCorruption } from '../../src/runbook/scenarios/database-corruption.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { inflictOnceItCan } from '../support/inflict.ts'
import { shareOf, shareTold } from '../support/share.ts'
import { clear, end, makeSystem, pause, query, repository, startCapture, type TestSystem, until } from '../support/system.ts'

// Mostly these wait.
vi.setConfig({ testTimeout: 120_000, maxConcurrency: 3 })

const steps = databaseCorruption.steps.map((step) => step.name)
/** Every call of a run that changes something beside its journal, in the order in which they come. */
const changes = [
  'latch.set',
  'service.stop',
  'control.drain',
  'files.setAside',
  'control.letGo',
  'files.writeNew',
  'outputs.create',
  'files.place',
  'control.resume',
  'latch.release',
  'service.start',
]
const deaths = {
  'as each step begins': steps.map((step) => `step-began ${step}`),
  'as each step has ended': steps.map((step) => `step-ended ${step}`),
  'around each change': changes.flatMap((change) => [`before ${change}`, `after ${change}`]),
} as const
/** A bot that trades, for one test, also beside others that go on. */
async function inSystem(story: (system: TestSystem, service: Service) => Promise<void>): Promise<void> {
  const plain = makeSystem({ checks: botChecks })
  try {
    const command = [
      process.execPath,
      entryPath('drill-bot'),
      '--db',
      plain.database,
      '--witness',
      plain.witness,
      '--rate',
      '150',
      '--history',
      '4000',
    ]
    const system = { ...plain, settings: { ...plain.settings, service: { command, cwd: plain.folder } } }
    const service = must(serviceOf(system.settings), 'a service is configured')
    try {
      await service.start()
      await until(() => existsSync(system.witness) && readFileSync(system.witness, 'utf8').split('\n').length > 20, 'the first trades')
      await story(system, service)
    } finally {
      await service.stop(3000)
    }
  } finally {
    await clear(plain)
  }
}

async function damage(system: TestSystem): Promise<void> {
  const target = openDamageTarget(system.database)
  await inflictOnceItCan('interior-page', target)
  target.close()
}

function executeUntil(
  system: TestSystem,
  fatal: string,
): Promise<{
  readonly signal: string | null
  readonly outcome: { ended: string; result: { runId: string; success: boolean; because: string; lostTransactions: number | null } } | null
}> {
  const settings = JSON.stringify({ ...system.settings, environment: {} })
  const child: ChildProcess = spawn(process.execPath, [join(repository, 'test/support/execute-child.ts'), settings, fatal], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  system.children.add(child)
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  return new Promise((resolve) => {
    child.once('close', (_status, signal) => {
      system.children.delete(child)
      resolve({ signal, outcome: text === '' ? null : JSON.parse(text) })
    })
  })
}

/**
 * `told`: transactions that the run said are lost; null: it said that this is not known. Not none where the bot read the damaged page and
 * committed it before it was stopped, or where the log of a dead capture cannot be proven to go on from what it published.
 */
async function expectRecovered(system: TestSystem, service: Service, runId: string, told: number | null = 0): Promise<void> {
  const evidence = readdirSync(join(system.settings.stateFolder, 'evidence'))
  expect(evidence).toEqual([runId])
  const kept = readdirSync(join(system.settings.stateFolder, 'evidence', runId))
  expect(kept).toContain('bot.db')
  expect(kept).toContain('manifest.json')
  expect(readdirSync(system.folder).filter((name) => name.includes('.genesis-dr-'))).toEqual([])
  expect(existsSync(join(system.settings.stateFolder, 'halt.json'))).toBe(false)
  await until(async () => (await service.state()).running === 'yes', 'the bot runs')
  const before = decodeWitness(readFileSync(system.witness, 'utf8')).commits.length
  await until(() => decodeWitness(readFileSync(system.witness, 'utf8')).commits.length > before + 5, 'the bot trades again')
  await service.stop(3000)
  expect(query(system.database, 'PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(system.database, { readOnly: true })
  const orders = new Set(
    database
      .prepare('SELECT id FROM orders')
      .all()
      .map((row) => String(row['id'])),
  )
  database.close()
  const { lostOrders } = witnessedLoss(decodeWitness(readFileSync(system.witness, 'utf8')).commits, orders)
  if (told === null) console.log(`run ${runId} said that it is not known what is lost: ${lostOrders.length} orders are`)
  else expect({ lost: lostOrders.length, lostOrders }).toMatchObject({ lost: told })
}

const stories = (['with the capture alive', 'with the capture dead too'] as const).flatMap((captured) =>
  Object.entries(deaths).map(([when, moments]) => ({ when, captured, moments: shareOf(moments, 3, when + captured) })),
)

describeWith([linuxProc], `execute is killed again and again (${shareTold})`, () => {
  it.concurrent.each(stories)(
    '$when, $captured -> the same run goes on, the evidence is kept once, nothing acknowledged is lost but what is told, the bot trades',
    ({ captured, moments }) =>
      inSystem(async (system, service) => {
        const capture = await startCapture(system)
        await pause(300)
        await damage(system)
        if (captured === 'with the capture dead too') {
          await service.stop(3000)
          await end(system, capture.process, 'SIGKILL')
        }
        for (const moment of moments) {
          const { signal, outcome } = await executeUntil(system, moment)
          expect([moment, signal, outcome?.result.because]).toEqual([moment, 'SIGKILL', undefined])
        }
        const last = await executeUntil(system, 'never')
        expect(last.outcome?.ended).toBe('done')
        const runId = last.outcome?.result.runId ?? ''
        expect(readdirSync(join(system.settings.stateFolder, 'journal')).filter((name) => name.endsWith('.jsonl'))).toEqual([
          `${runId}.jsonl`,
        ])
        const { result } = must(last.outcome, 'it came to an end')
        // Only where nobody captured can it be that nobody knows.
        if (captured === 'with the capture alive') expect(result.lostTransactions).not.toBeNull()
        if (result.lostTransactions === null) expect(result.because).toContain('what was lost')
        await expectRecovered(system, service, runId, result.lostTransactions)
      }),
  )
})

describeWith([linuxProc], 'execute is killed, and the bot is started behind its latch before it is gone on with', () => {
  it.concurrent.each(['step-ended stop-trading', 'step-ended drain-replica', 'before files.setAside'])(
    'killed at %s -> stopped and drained once more, nothing acknowledged is lost, and one bot trades',
    (moment) =>
      inSystem(async (system, service) => {
        await startCapture(system)
        expect((await executeUntil(system, moment)).signal).toBe('SIGKILL')
        const first = await service.start()
        const before = decodeWitness(readFileSync(system.witness, 'utf8')).commits.length
        await until(() => decodeWitness(readFileSync(system.witness, 'utf8')).commits.length > before + 20, 'it trades')
        const { outcome } = await executeUntil(system, 'never')
        expect(outcome).toMatchObject({ ended: 'done', result: { success: true, lostTransactions: 0 } })
        for (const pid of first.pids) expect(existsSync(`/proc/${pid}`)).toBe(false)
        await expectRecovered(system, service, outcome?.result.runId ?? '')
      }),
  )

  it.concurrent('there is no service, so that nobody can stop it -> it is named, and the database stays under it', () =>
    inSystem(async (system, service) => {
      await startCapture(system)
      await service.stop(3000)
      const byHand = { ...system, settings: { ...system.settings, service: null } }
      expect((await executeUntil(byHand, 'step-ended drain-replica')).signal).toBe('SIGKILL')
      await service.start()
      const before = decodeWitness(readFileSync(system.witness, 'utf8')).commits.length
      const inode = statSync(system.database).ino
      await until(() => decodeWitness(readFileSync(system.witness, 'utf8')).commits.length > before + 5, 'it trades')
      const { outcome } = await executeUntil(byHand, 'never')
      expect(outcome).toMatchObject({
        ended: 'failed',
        result: { because: expect.stringMatching(/stop-trading: .* is open in process \d+/) },
      })
      expect(statSync(system.database).ino).toBe(inode)
    }))
})

describeWith([linuxProc], 'execute, undisturbed', () => {
  it.concurrent('the old database had a mode of its own -> the restored one has it too, and the evidence is what was there', () =>
    inSystem(async (system, service) => {
      await startCapture(system)
      await pause(200)
      await damage(system)
      const { chmodSync } = await import('node:fs')
      chmodSync(system.database, 0o660)
      const done = await executeUntil(system, 'never')
      expect(done.outcome?.result.because).toBe('recovered; not proven: team notified, exchange')
      expect(statSync(system.database).mode & 0o777).toBe(0o660)
      await expectRecovered(system, service, done.outcome?.result.runId ?? '')
    }))

  it.concurrent('something stands at the path where the restored database belongs -> refused, untouched, the bot stays stopped', () =>
    inSystem(async (system, service) => {
      const capture = await startCapture(system)
      await pause(200)
      await damage(system)
      await executeUntil(system, 'step-began restore-database')
      writeFileSync(system.database, 'not ours')
      const refused = await executeUntil(system, 'never')
      expect(refused.outcome?.ended).toBe('failed')
      expect(refused.outcome?.result.because).toContain('there is something at')
      expect(readFileSync(system.database, 'utf8')).toBe('not ours')
      expect((await service.state()).running).toBe('no')
      expect(existsSync(join(system.settings.stateFolder, 'halt.json'))).toBe(true)
      await end(system, capture.process, 'SIGKILL')
    }))
})
