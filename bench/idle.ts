/** What the capture costs while nobody writes. It looks at the pages of the file meanwhile, at the least rate of the scrub. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { defaultFlushMs, genesis } from './copiers.ts'
import { cpuShare, end, inRepository, memoryOf, run } from './processes.ts'
import { finePercent, mib, type Row, row } from './report.ts'
import type { World } from './world.ts'

/** Chosen: 60 s, because processor time is counted in steps of 10 ms, and a target of 0.2 % is 12 of them then. */
const watchedMs = 60_000

export async function idle(world: World): Promise<readonly Row[]> {
  world.progress(`nobody writes, for ${watchedMs / 1000} s`)
  const folder = mkdtempSync(join(world.work, 'idle-'))
  const place = { folder, database: join(folder, 'bot.db'), replica: join(folder, 'replica') }
  await run('python3', inRepository('test/writers/bench-writer.py'), '--db', place.database)
  const { process, capturePid, supervisorPid } = await genesis(defaultFlushMs).start(place)
  try {
    await pause(1500)
    const [ofCapture, ofSupervisor] = [cpuShare(capturePid), cpuShare(supervisorPid ?? capturePid)]
    await pause(watchedMs)
    const cpu = ofCapture()
    return [
      row('idle', 'capture: CPU, of one core', finePercent(cpu), '<= 0.2 %', cpu <= 0.002),
      row('idle', 'its supervisor: CPU, of one core', finePercent(ofSupervisor())),
      row('idle', 'capture: resident', mib(memoryOf(capturePid, 'VmRSS'))),
    ]
  } finally {
    await end(process)
  }
}
