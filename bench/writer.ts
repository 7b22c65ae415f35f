/** What the capture costs a writer at a steady rate, how soon its commits are safe, and what the capture itself costs. */
import { genesis } from './copiers.ts'
import { mib, ms, percent, type Row, row, times } from './report.ts'
import { type Copied, type Session, session } from './session.ts'
import { largest, median, percentile } from './statistics.ts'
import type { World } from './world.ts'

/** Chosen: both rates that the targets name. */
const rates = [200, 1000]

export async function writer(world: World): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const rate of rates) rows.push(...(await atRate(world, rate)))
  return rows
}

interface Pair {
  readonly alone: Session
  readonly captured: Session
  readonly copy: Copied
}

async function atRate(world: World, rate: number): Promise<readonly Row[]> {
  const pairs: Pair[] = []
  for (let round = 1; round <= world.rounds; round++) {
    world.progress(`writer at ${rate} tx/s, round ${round} of ${world.rounds}`)
    const load = { rate, seconds: world.seconds }
    const alone = await session(world.work, load, null)
    const captured = await session(world.work, load, genesis)
    if (captured.copy !== null) pairs.push({ alone, captured, copy: captured.copy })
  }
  const subject = `${rate} tx/s`
  return [...writerRows(subject, pairs), ...copyRows(subject, pairs, rate)]
}

function writerRows(subject: string, pairs: readonly Pair[]): readonly Row[] {
  const throughput = median(pairs.map(({ alone, captured }) => captured.perSecond / alone.perSecond))
  const growths = pairs.map(({ alone, captured }) => percentile(captured.tookMs, 0.99) - percentile(alone.tookMs, 0.99))
  const growth = median(growths)
  const inEach = (share: number): string => {
    const of = (which: 'alone' | 'captured'): number => median(pairs.map((pair) => percentile(pair[which].tookMs, share)))
    return `${ms(of('alone'))} alone, ${ms(of('captured'))} captured`
  }
  const pooled = (share: number): string => {
    const of = (which: 'alone' | 'captured'): number =>
      percentile(
        pairs.flatMap((pair) => pair[which].tookMs),
        share,
      )
    return `${ms(of('alone'))} alone, ${ms(of('captured'))} captured`
  }
  return [
    row(subject, 'writer: throughput, captured / alone', times(throughput), 'unchanged (>= 0.99x)', throughput >= 0.99),
    row(subject, 'writer: commit p50', inEach(0.5)),
    row(subject, 'writer: commit p99', inEach(0.99)),
    row(subject, 'writer: growth of p99', `${ms(growth)} (rounds: ${growths.map(ms).join(', ')})`, '<= 0.5 ms', growth <= 0.5),
    row(subject, 'writer: commit p99.9, all rounds', pooled(0.999)),
    row(subject, 'writer: longest commit', pooled(1)),
  ]
}

function copyRows(subject: string, pairs: readonly Pair[], rate: number): readonly Row[] {
  const lag = (share: number): number => median(pairs.map(({ copy }) => percentile(copy.lagMs, share)))
  const cpu = median(pairs.map(({ copy }) => copy.cpu))
  const lagText = `p50 ${ms(lag(0.5))}, p99 ${ms(lag(0.99))}, max ${ms(largest(pairs.map(({ copy }) => largest(copy.lagMs))))}`
  return [
    row(subject, 'commit to durable file', lagText, 'p99 <= 100 ms', lag(0.99) <= 100),
    rate === 200
      ? row(subject, 'capture: CPU, of one core', percent(cpu), '<= 10 %', cpu <= 0.1)
      : row(subject, 'capture: CPU, of one core', percent(cpu)),
    row(subject, 'capture: resident', mib(largest(pairs.map(({ copy }) => copy.rssBytes)))),
    row(subject, 'largest WAL', mib(largest(pairs.map(({ captured }) => captured.largestWalBytes)))),
  ]
}
