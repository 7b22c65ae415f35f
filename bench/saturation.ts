/** A writer as fast as it can be: what is left of its speed, how long it is kept waiting at worst, and how large its log grows. */
import { defaultFlushMs, genesis } from './copiers.ts'
import { mib, ms, percent, type Row, row, times } from './report.ts'
import { copiesOf, type Session, session } from './session.ts'
import { stallRows } from './stalls.ts'
import { largest, median, percentile } from './statistics.ts'
import type { World } from './world.ts'

const walTarget = 128 * 1024 * 1024

export async function saturation(world: World): Promise<readonly Row[]> {
  const alone: Session[] = []
  const captured: Session[] = []
  // More rounds than of anything else, and an odd number: what is to be judged is a median of ratios, on a machine that is busy to its edge.
  const rounds = 2 * world.rounds + 1
  for (let round = 1; round <= rounds; round++) {
    world.progress(`writer at full speed, round ${round} of ${rounds}`)
    const load = { rate: 0, seconds: world.seconds }
    alone.push(await session(world.work, load, null))
    captured.push(await session(world.work, load, genesis(defaultFlushMs)))
  }
  const ratios = captured.map(({ perSecond }, round) => perSecond / (alone[round]?.perSecond ?? perSecond))
  const ratio = median(ratios)
  const both = (of: (sessions: readonly Session[]) => string): string => `${of(alone)} alone, ${of(captured)} captured`
  const wal = largest(captured.map((one) => one.largestWalBytes))
  const lags = copiesOf(captured).flatMap((copy) => copy.lagMs)
  return [
    row(
      subject,
      'writer: throughput, captured / alone',
      `${times(ratio)} (rounds: ${ratios.map(times).join(', ')})`,
      '>= 0.85x',
      ratio >= 0.85,
    ),
    row(
      subject,
      'writer: tx/s',
      both((all) => Math.round(median(all.map((one) => one.perSecond))).toLocaleString('en')),
    ),
    row(
      subject,
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
    ...stallRows(subject, alone, captured, 100),
    row(
      subject,
      'largest WAL',
      both((all) => mib(largest(all.map((one) => one.largestWalBytes)))),
      `<= ${mib(walTarget)} captured`,
      wal <= walTarget,
    ),
    row(subject, 'capture: CPU, of one core', percent(median(copiesOf(captured).map((copy) => copy.cpu)))),
    row(subject, 'commit to durable file', `p50 ${ms(percentile(lags, 0.5))}, p99 ${ms(percentile(lags, 0.99))}`),
  ]
}

const subject = 'full speed'
