/** What the capture costs a writer at a steady rate: the same writer alone and captured, in turn. */
import { defaultFlushMs, genesis } from './copiers.ts'
import { mib, ms, percent, type Row, row, times } from './report.ts'
import { copiesOf, type Session, session } from './session.ts'
import { stallRows } from './stalls.ts'
import { largest, median, percentile } from './statistics.ts'
import type { World } from './world.ts'

/** Transactions a second: a bot's own, and both that the targets of speed name. */
const rates = [200, 1000, 5000]
const walTargets: Readonly<Record<number, number>> = { 1000: 64 * 1024 * 1024 }

export async function writer(world: World): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const rate of rates) rows.push(...(await atRate(world, rate)))
  return rows
}

interface Pair {
  readonly alone: Session
  readonly captured: Session
}

async function atRate(world: World, rate: number): Promise<readonly Row[]> {
  const pairs: Pair[] = []
  for (let round = 1; round <= world.rounds; round++) {
    world.progress(`writer at ${rate} tx/s, round ${round} of ${world.rounds}`)
    const load = { rate, seconds: world.seconds }
    const alone = await session(world.work, load, null)
    pairs.push({ alone, captured: await session(world.work, load, genesis(defaultFlushMs)) })
  }
  const subject = `${rate.toLocaleString('en')} tx/s`
  const captured = pairs.map((pair) => pair.captured)
  const alone = pairs.map((pair) => pair.alone)
  return [...commitRows(subject, pairs), ...stallRows(subject, alone, captured, 50), ...copyRows(subject, captured, walTargets[rate])]
}

function commitRows(subject: string, pairs: readonly Pair[]): readonly Row[] {
  const throughput = median(pairs.map(({ alone, captured }) => captured.perSecond / alone.perSecond))
  const growths = pairs.map(({ alone, captured }) => percentile(captured.tookMs, 0.99) - percentile(alone.tookMs, 0.99))
  const growth = median(growths)
  const inEach = (share: number): string => {
    const of = (which: keyof Pair): number => median(pairs.map((pair) => percentile(pair[which].tookMs, share)))
    return `${ms(of('alone'))} alone, ${ms(of('captured'))} captured`
  }
  const all = (which: keyof Pair): number =>
    percentile(
      pairs.flatMap((pair) => pair[which].tookMs),
      0.999,
    )
  const [alone, captured] = [all('alone'), all('captured')]
  return [
    row(subject, 'writer: throughput, captured / alone', times(throughput), 'unchanged (>= 0.99x)', throughput >= 0.99),
    row(subject, 'writer: commit p50', inEach(0.5)),
    row(subject, 'writer: commit p99', inEach(0.99)),
    row(subject, 'writer: growth of p99', `${ms(growth)} (rounds: ${growths.map(ms).join(', ')})`, '<= 0.5 ms', growth <= 0.5),
    row(
      subject,
      'writer: commit p99.9, all rounds',
      `${ms(alone)} alone, ${ms(captured)} captured`,
      'no worse than alone',
      captured <= alone,
    ),
  ]
}

function copyRows(subject: string, captured: readonly Session[], walTarget: number | undefined): readonly Row[] {
  const copies = copiesOf(captured)
  const lag = (share: number): string => ms(median(copies.map((copy) => percentile(copy.lagMs, share))))
  const wal = largest(captured.map((one) => one.largestWalBytes))
  return [
    walTarget === undefined
      ? row(subject, 'largest WAL', mib(wal))
      : row(subject, 'largest WAL', mib(wal), `<= ${mib(walTarget)}`, wal <= walTarget),
    row(subject, 'commit to durable file', `p50 ${lag(0.5)}, p99 ${lag(0.99)}, max ${lag(1)}`),
    row(subject, 'capture: CPU, of one core', percent(median(copies.map((copy) => copy.cpu)))),
  ]
}
