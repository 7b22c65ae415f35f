/**
 * Restoring a large database, every checksum checked and the file durable, beside `cp` + fdatasync of the same file and, where it is
 * installed, Litestream's own restore of the same replica. Rounds alternate; ratios are within a round.
 */
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type LargeDatabase, largeDatabase } from './large-database.ts'
import { inRepository, memoryOf, run, start, timeOf } from './processes.ts'
import { mib, ms, type Row, row, times } from './report.ts'
import { largest, median } from './statistics.ts'
import type { World } from './world.ts'

interface Measured {
  readonly tookMs: number
  readonly peakBytes: number
}

export async function restore(world: World): Promise<readonly Row[]> {
  const source = await largeDatabase(world)
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

function rowsOf(source: LargeDatabase, copies: readonly Measured[], ours: readonly Measured[], peers: readonly Measured[]): readonly Row[] {
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
  return { tookMs: (await timeOf('cp', from, to)) + (await timeOf('sync', '-d', to)), peakBytes: 0 }
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
