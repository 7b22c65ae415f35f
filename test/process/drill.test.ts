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

/** Processes whose command line names the folder. */
function processesOn(path: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && Number(name) !== process.pid && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(path)
    } catch (error) {
      // It ended while we looked.
      return error === undefined
    }
  })
}

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
      expect(processesOn(folder)).toEqual([])
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
    await until(() => processesOn(join(folder, 'genesis-dr-drill-')).length >= 2, 'bot and capture run')
    child.kill('SIGKILL')
    await until(() => processesOn(join(folder, 'genesis-dr-drill-')).length === 0, 'both ended')
  })
})
