/** A recovery to a time is killed after each of its steps: the same command goes on with it, whatever it has changed by then. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { recoverInPlace } from '../../src/runbook/scenarios/recover.ts'
import { describeWith, linuxProc, python } from '../needs.ts'
import {
  clear,
  end,
  makeSystem,
  query,
  repository,
  startCapture,
  startWriter,
  type TestSystem,
  until,
  witnessed,
} from '../support/system.ts'

vi.setConfig({ testTimeout: 120_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

function recoverUntil(epochMs: number, fatal: string): { readonly signal: string | null; readonly output: string } {
  const words = [system.database, `file:${system.replica}`, `${epochMs}`, fatal]
  const { signal, stdout, stderr } = spawnSync(process.execPath, [join(repository, 'test/support/recover-child.ts'), ...words], {
    encoding: 'utf8',
  })
  return { signal, output: stdout + stderr }
}

const steps = recoverInPlace({ timeline: null, target: { kind: 'time', epochMs: 0 } }).steps.map((step) => step.name)

describeWith([linuxProc, python], 'recover --timestamp is killed after each step', () => {
  it.each(['with the capture alive', 'with no capture'])(
    '%s -> one run, the database is that of the time, no latch and no temporary file stays',
    async (captured) => {
      const writer = await startWriter(system, '--rate', '200')
      const capture = await startCapture(system)
      const attached = witnessed(system).length
      await until(() => witnessed(system).length > attached + 80, 'commits')
      await end(system, writer, 'SIGTERM')
      if (captured === 'with no capture') await end(system, capture.process, 'SIGTERM')
      const wanted = witnessed(system)[attached + 40]
      const epochMs = wanted?.atMs ?? 0
      for (const step of steps) expect([step, recoverUntil(epochMs, step)]).toEqual([step, { signal: 'SIGKILL', output: '' }])
      const { output } = recoverUntil(epochMs, 'never')
      expect(JSON.parse(output)).toMatchObject({ ended: 'done', report: { output: system.database, timeline: '00000001' } })
      const { newest, rows } = query(system.database, 'SELECT max(seq) AS newest, count(*) AS rows FROM ticks')
      expect(rows).toBe(newest)
      expect(query(system.database, 'PRAGMA integrity_check')).toEqual({ integrity_check: 'ok' })
      const { seq: earliest = 0 } = witnessed(system)[attached] ?? {}
      expect(newest).toBeGreaterThan(earliest)
      expect(newest).toBeLessThan(witnessed(system).at(-1)?.seq ?? 0)
      const { captureFolder } = system.settings
      expect(readdirSync(join(captureFolder, 'journal')).filter((name) => name.endsWith('.jsonl'))).toHaveLength(1)
      expect(existsSync(join(captureFolder, 'halt.json'))).toBe(false)
      expect(readdirSync(system.folder).filter((name) => name.includes('.genesis-dr-'))).toEqual([])
    },
  )
})
