/** What it costs to look at every page of a large database: slowly, once an hour, and all at once as `validate` asks for. */
import { setTimeout as pause } from 'node:timers/promises'
import { captureClient } from '../src/adapters/control/client.ts'
import { must } from '../src/assert.ts'
import { captureFolderOf, defaultFlushMs, genesis } from './copiers.ts'
import { largeDatabase } from './large-database.ts'
import { cpuShare, end } from './processes.ts'
import { finePercent, mib, type Row, row } from './report.ts'
import type { World } from './world.ts'

const watchedMs = 30_000

export async function scrub(world: World): Promise<readonly Row[]> {
  const place = await largeDatabase(world)
  const subject = `scrub of ${mib(place.sizeBytes)}`
  const { process, capturePid } = await genesis(defaultFlushMs).start(place)
  const capture = captureClient(captureFolderOf(place))
  const judged = async (): Promise<number> => must((await capture.position()).scrub, 'it is attached').judged
  try {
    world.progress(`the scrub at its hourly rate, for ${watchedMs / 1000} s`)
    await pause(1500)
    const [cpuOf, before, began] = [cpuShare(capturePid), await judged(), performance.now()]
    await pause(watchedMs)
    const cpu = cpuOf()
    const { judged: after, of } = must((await capture.position()).scrub, 'it is attached')
    const share = (after - before) / of
    const turnMinutes = (performance.now() - began) / share / 60_000
    world.progress('a whole turn at once')
    const [cpuOfTurn, turn] = [cpuShare(capturePid), await capture.scrub()]
    const tookMs = must(turn.turnTookMs, turn.because ?? 'the turn ended')
    const speed = `${mib(place.sizeBytes / (tookMs / 1000))}/s, ${(tookMs / 1000).toFixed(2)} s (${turn.reads}; CPU ${finePercent(cpuOfTurn())})`
    return [
      row(subject, 'capture: CPU at the hourly rate', finePercent(cpu), '<= 2 %', cpu <= 0.02),
      row(subject, 'a turn at that rate', `${turnMinutes.toFixed(1)} min (${finePercent(share)} in ${watchedMs / 1000} s)`),
      row(subject, 'a whole turn at once', speed),
    ]
  } finally {
    await end(process)
  }
}
