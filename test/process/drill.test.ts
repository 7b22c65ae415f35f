/** Each kind of damage, played as a drill by the command line, and what a drill leaves behind. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { damageKinds } from '../../src/drill/damage.ts'
import { describeWith, linuxProc } from '../needs.ts'
import { cliEntry, genesis } from '../support/cli.ts'
import { until } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })
const drill = ['drill', '--scenario', 'DATABASE_CORRUPTION']

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-tmp-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const run = (...words: string[]) => genesis([...drill, ...words], { cwd: folder, env: { TMPDIR: folder } })

interface Seen {
  readonly command: string
  readonly environment: string
}

/** Every process that may be looked into. */
function processes(): readonly Seen[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        return [{ command: readFileSync(`/proc/${pid}/cmdline`, 'utf8'), environment: readFileSync(`/proc/${pid}/environ`, 'utf8') }]
      } catch {
        // It ended while we looked.
        return []
      }
    })
}

const botEntry = 'entries/drill-bot'
const captureEntry = 'entries/capture'
/** Processes that were started with `folder` for temporary files: a drill of this test, its bot and its capture. */
const processesOn = (folder: string): readonly Seen[] => processes().filter(({ environment }) => environment.includes(`TMPDIR=${folder}\0`))
const runs = (entry: string): boolean => processesOn(folder).some(({ command }) => command.includes(entry))

describeWith([linuxProc], 'a drill', () => {
  for (const kind of Object.keys(damageKinds)) {
    it(`${kind} -> recovered, measured against what the bot was told, and nothing is left behind`, async () => {
      const { status, stdout, stderr } = await run('--damage', kind, '--seed', '7', '--json')
      expect([status, stderr.includes('DAMAGE:')]).toEqual([0, true])
      const result = JSON.parse(stdout)
      expect(result).toMatchObject({
        mode: 'drill',
        success: true,
        rtoMet: true,
        rpoMet: true,
        seed: 7,
        faults: [kind],
        teardown: { clean: true, left: [] },
      })
      expect(result.lostTransactions).toBe(result.lostOrders.length)
      expect(result.notProven).toContain('exchange')
      expect(result.steps.map((step: { name: string }) => step.name)).toContain('measure-loss')
      expect(readdirSync(folder)).toEqual([])
      // Whatever was told to end has: a machine that is busy may take a moment for it.
      await expect.poll(() => processesOn(folder), { timeout: 2000 }).toEqual([])
    })
  }

  it('piped -> plain lines, a table, and no colour', async () => {
    const { status, stdout } = await run()
    expect(status).toBe(0)
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toMatch(/^ +\d+ ms {2}ok +stop-trading: /m)
    expect(stdout).toMatch(/recovery time \(RTO\) +\d.* +15 min +met/)
  })

  it('interrupted -> 130, and nothing is left behind', async () => {
    const child = spawn(process.execPath, [cliEntry, ...drill], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    await until(() => text.includes('DAMAGE'), 'the damage')
    child.kill('SIGINT')
    const status = await new Promise((resolve) => child.once('close', resolve))
    expect([status, readdirSync(folder), processesOn(folder)]).toEqual([130, [], []])
  })

  it('killed by SIGKILL -> its bot and its capture end by themselves', async () => {
    const child = spawn(process.execPath, [cliEntry, ...drill], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await until(() => runs(botEntry) && runs(captureEntry), 'bot and capture run')
    child.kill('SIGKILL')
    await until(() => processesOn(folder).length === 0, 'both ended')
  })

  it('secrets in its environment -> none on a command line, none in the environment of its bot and its capture', async () => {
    const names = ['DR_BACKUP_KEY', 'DR_FAILOVER_DNS_TOKEN', 'DR_NOTIFICATION_WEBHOOK'].flatMap((name) => [name, `${name}_FILE`])
    const secrets = Object.fromEntries(names.map((name) => [name, `secret-of-${folder}`]))
    const child = spawn(process.execPath, [cliEntry, ...drill], { env: { ...process.env, ...secrets, TMPDIR: folder }, stdio: 'ignore' })
    const ended = new Promise((resolve) => child.once('close', resolve))
    const shown = new Set<string>()
    const met = new Set<string>()
    const look = (): boolean => {
      for (const { command, environment } of processesOn(folder)) {
        if (command.includes(`secret-of-${folder}`)) shown.add(`command ${command}`)
        const entry = [botEntry, captureEntry].find((one) => command.includes(one))
        if (entry === undefined) continue
        met.add(entry)
        for (const name of names) if (environment.includes(name)) shown.add(`${name} in the environment of ${entry}`)
      }
      return child.exitCode !== null
    }
    await until(look, 'the end of the drill')
    expect([await ended, met, shown]).toEqual([0, new Set([botEntry, captureEntry]), new Set()])
  })
})
