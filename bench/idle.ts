/** What the capture costs while nobody writes. */

import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { genesis } from './copiers.ts'
import { cpuMs, end, inRepository, memoryOf, run } from './processes.ts'
import { mib, percent, type Row, row } from './report.ts'
import type { World } from './world.ts'

/** Chosen: 10 s, because processor time is counted in steps of 10 ms. */
const watchedMs = 10_000

export async function idle(world: World): Promise<readonly Row[]> {
  world.progress(`nobody writes, for ${watchedMs / 1000} s`)
  const folder = mkdtempSync(join(world.work, 'idle-'))
  const place = { folder, database: join(folder, 'bot.db'), replica: join(folder, 'replica') }
  await run('python3', inRepository('test/writers/bench-writer.py'), '--db', place.database)
  const { process } = await genesis.start(place)
  try {
    await pause(1500)
    const before = cpuMs(process.pid)
    const began = performance.now()
    await pause(watchedMs)
    const cpu = (cpuMs(process.pid) - before) / (performance.now() - began)
    return [
      row('idle', 'capture: CPU, of one core', percent(cpu), 'about 0 (<= 1 %)', cpu <= 0.01),
      row('idle', 'capture: resident', mib(memoryOf(process.pid, 'VmRSS'))),
    ]
  } finally {
    await end(process)
  }
}
