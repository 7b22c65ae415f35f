/**
 * Restoring a large database, every checksum checked and the file durable, beside `cp` + fdatasync of the same file and, where it is
 * installed, Litestream's own restore of the same replica. Rounds alternate; ratios are within a round.
 */
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { genesis } from './copiers.ts'
import { end, inRepository, memoryOf, run, start } from './processes.ts'
import { mib, ms, type Row, row, times } from './report.ts'
import { largest, median } from './statistics.ts'
import type { World } from './world.ts'

interface Measured {
  readonly tookMs: number
  readonly peakBytes: number
}

export async function restore(world: World): Promise<readonly Row[]> {
  const source = await madeOnce(world)
  const out = join(world.work, 'restored.db')
  const copies: Measured[] = []
  const ours: Measured[] = []
  const peers: Measured[] = []
  for (let round = 1; round <= world.rounds; round++) {
    world.progress(`restore of ${mib(source.sizeBytes)}, round ${round} of ${world.rounds}`)
    copies.push(await measured(out, source.database, () => copyDurably(source.database, out)))
    ours.push(
      await measured(out, source.database, () => timed(process.execPath, inRepository('bench/restore-child.ts'), source.replica, out)),
    )
    const { litestream } = world
    if (litestream === null) continue
    peers.push(await measured(out, source.database, () => timed(litestream, 'restore', '-o', out, `file://${source.replica}/00000001`)))
  }
  return rowsOf(source, copies, ours, peers)
}

function rowsOf(source: Source, copies: readonly Measured[], ours: readonly Measured[], peers: readonly Measured[]): readonly Row[] {
  const subject = `restore ${mib(source.sizeBytes)}`
  const seconds = (all: readonly Measured[]): string => ms(median(all.map((one) => one.tookMs)))
  const ratios = (all: readonly Measured[]): readonly number[] =>
    all.map((one, round) => one.tookMs / (copies[round]?.tookMs ?? one.tookMs))
  const ratioText = (all: readonly Measured[]): string => `${times(median(ratios(all)))} (rounds: ${ratios(all).map(times).join(', ')})`
  const ratio = median(ratios(ours))
  const peak = largest(ours.map((one) => one.peakBytes))
  const small = peak <= 250 * 1024 * 1024
  const rows = [
    row(subject, 'genesis-dr / cp + fdatasync', ratioText(ours), '<= 6x', ratio <= 6),
    row(subject, 'genesis-dr: resident at most', mib(peak), '<= 250 MiB', small),
    row(subject, 'genesis-dr, cp + fdatasync', `${seconds(ours)}, ${seconds(copies)}`),
    row(
      subject,
      'the snapshot it reads',
      `${mib(source.snapshotBytes)}, made in ${source.snapshotMs === null ? 'an earlier run' : ms(source.snapshotMs)}`,
    ),
  ]
  if (peers.length === 0) return [...rows, row(subject, 'litestream restore', 'not installed here (scripts/install-oracles.sh)')]
  return [
    ...rows,
    row(subject, 'litestream restore / cp + fdatasync', ratioText(peers)),
    row(subject, 'litestream restore', `${seconds(peers)}, resident at most ${mib(largest(peers.map((one) => one.peakBytes)))}`),
  ]
}

/** @throws Error when what was made is not the database, byte for byte */
async function measured(out: string, database: string, work: () => Promise<Measured>): Promise<Measured> {
  rmSync(out, { force: true })
  // What earlier work left to be written must not be paid for here.
  await run('sync')
  const result = await work()
  await run('cmp', database, out)
  rmSync(out)
  return result
}

async function copyDurably(from: string, to: string): Promise<Measured> {
  const began = performance.now()
  await run('cp', from, to)
  await run('sync', '-d', to)
  return { tookMs: performance.now() - began, peakBytes: 0 }
}

async function timed(command: string, ...args: readonly string[]): Promise<Measured> {
  const began = performance.now()
  const started = start(command, args)
  let peakBytes = 0
  const look = setInterval(() => {
    // Gone between two looks: it has ended.
    if (existsSync(`/proc/${started.pid}/status`)) peakBytes = Math.max(peakBytes, memoryOf(started.pid, 'VmHWM'))
  }, 50)
  const status = await started.ended
  const tookMs = performance.now() - began
  clearInterval(look)
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${started.errors()}`)
  return { tookMs, peakBytes }
}

interface Source {
  readonly database: string
  readonly replica: string
  readonly sizeBytes: number
  readonly snapshotBytes: number
  /** null when it was made before. */
  readonly snapshotMs: number | null
}

/** The database and its replica, made once for all rounds, and kept when the work folder is. */
async function madeOnce(world: World): Promise<Source> {
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
    await end((await genesis.start(place)).process)
    snapshotMs = performance.now() - began
    writeFileSync(finished, '')
  }
  const snapshot = join(place.replica, '00000001/ltx/9/0000000000000001-0000000000000001.ltx')
  return { ...place, sizeBytes: statSync(place.database).size, snapshotBytes: statSync(snapshot).size, snapshotMs }
}
