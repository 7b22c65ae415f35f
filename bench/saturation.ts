/** A writer as fast as it can be: what is left of its speed, how long it is kept waiting at worst, and how large its log grows. */
import { genesis } from './copiers.ts'
import { mib, ms, type Row, row, times } from './report.ts'
import { type Session, session } from './session.ts'
import { largest, median, percentile } from './statistics.ts'
import type { World } from './world.ts'

export async function saturation(world: World): Promise<readonly Row[]> {
  const alone: Session[] = []
  const captured: Session[] = []
  for (let round = 1; round <= world.rounds; round++) {
    world.progress(`writer at full speed, round ${round} of ${world.rounds}`)
    const load = { rate: 0, seconds: world.seconds }
    alone.push(await session(world.work, load, null))
    captured.push(await session(world.work, load, genesis))
  }
  const ratios = captured.map(({ perSecond }, round) => perSecond / (alone[round]?.perSecond ?? perSecond))
  const both = (of: (sessions: readonly Session[]) => string): string => `${of(alone)} alone, ${of(captured)} captured`
  const held = captured.flatMap(({ copy }) => copy?.heldMs ?? [])
  const heldText = held.length === 0 ? 'never' : `${held.length} times, p50 ${ms(median(held))}, longest ${ms(largest(held))}`
  const lags = captured.flatMap(({ copy }) => copy?.lagMs ?? [])
  return [
    row('full speed', 'writer: throughput, captured / alone', `${times(median(ratios))} (rounds: ${ratios.map(times).join(', ')})`),
    row(
      'full speed',
      'writer: tx/s',
      both((all) => Math.round(median(all.map((one) => one.perSecond))).toLocaleString('en')),
    ),
    row(
      'full speed',
      'writer: commit p99.9, all rounds',
      both((all) =>
        ms(
          percentile(
            all.flatMap((one) => one.tookMs),
            0.999,
          ),
        ),
      ),
    ),
    row(
      'full speed',
      'writer: longest commit',
      both((all) => ms(largest(all.map((one) => largest(one.tookMs))))),
    ),
    row(
      'full speed',
      'largest WAL',
      both((all) => mib(largest(all.map((one) => one.largestWalBytes)))),
    ),
    row('full speed', 'our checkpoints: writers held', heldText),
    row('full speed', 'commit to durable file', `p50 ${ms(percentile(lags, 0.5))}, p99 ${ms(percentile(lags, 0.99))}`),
  ]
}
