/** A large database of trades and its replica, which the subjects that need one share. */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultFlushMs, genesis, type Place } from './copiers.ts'
import { end, inRepository, run } from './processes.ts'
import { mib } from './report.ts'
import type { World } from './world.ts'

export interface LargeDatabase extends Place {
  readonly sizeBytes: number
  readonly snapshotBytes: number
  /** null when it was made before. */
  readonly snapshotMs: number | null
}

/** The database and its replica, made once for all rounds, and kept when the work folder is. */
export async function largeDatabase(world: World): Promise<LargeDatabase> {
  const folder = join(world.work, `trades-${world.sizeBytes}`)
  const place = { folder, database: join(folder, 'bot.db'), replica: join(folder, 'replica') }
  const finished = join(folder, 'finished')
  let snapshotMs: number | null = null
  if (!existsSync(finished)) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
    world.progress(`making a database of ${mib(world.sizeBytes)}, about a minute for 1 GiB`)
    await run(process.execPath, inRepository('bench/trades.ts'), place.database, `${world.sizeBytes}`)
    world.progress('making its snapshot')
    const began = performance.now()
    await end((await genesis(defaultFlushMs).start(place)).process)
    snapshotMs = performance.now() - began
    writeFileSync(finished, '')
  }
  const snapshot = join(place.replica, '00000001/ltx/9/0000000000000001-0000000000000001.ltx')
  return { ...place, sizeBytes: statSync(place.database).size, snapshotBytes: statSync(snapshot).size, snapshotMs }
}
