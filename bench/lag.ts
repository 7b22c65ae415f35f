/** The same writer beside each copier in turn: how soon its commits are in the replica, and what that costs. */
import { type Copier, defaultFlushMs, genesis, litestream } from './copiers.ts'
import { mib, ms, percent, type Row, row } from './report.ts'
import { type Copied, copiesOf, type Session, session } from './session.ts'
import { largest, median, percentile } from './statistics.ts'
import type { World } from './world.ts'

/** Transactions a second. */
const rate = 200

interface Measured {
  readonly copier: Copier
  /** From commit to durable file, p99: ms. null: a peer. */
  readonly targetMs: number | null
  readonly sessions: Session[]
}

export async function lag(world: World): Promise<readonly Row[]> {
  const ours: Measured[] = [
    { copier: genesis(defaultFlushMs), targetMs: 60, sessions: [] },
    { copier: genesis(0), targetMs: 15, sessions: [] },
  ]
  const binary = world.litestream
  const peers = binary === null ? [] : [null, 50].map((ms) => ({ copier: litestream(binary, ms), targetMs: null, sessions: [] }))
  const all: Measured[] = [...ours, ...peers]
  for (let round = 1; round <= world.rounds; round++) {
    for (const { copier, sessions } of all) {
      world.progress(`${copier.name} at ${rate} tx/s, round ${round} of ${world.rounds}`)
      sessions.push(await session(world.work, { rate, seconds: world.seconds }, copier))
    }
  }
  const rows = all.flatMap(rowsOf)
  return binary === null ? [...rows, row(subject, 'litestream', 'not installed here (scripts/install-oracles.sh)')] : rows
}

const subject = `lag, ${rate} tx/s`

/** Lags of all rounds together: one late flush of a short round holds more than a hundredth of its commits. */
function rowsOf({ copier, targetMs, sessions }: Measured): readonly Row[] {
  const copies = copiesOf(sessions)
  const over = (of: (copy: Copied) => number): number => median(copies.map(of))
  const lags = copies.flatMap((copy) => copy.lagMs)
  const at = (share: number): number => percentile(lags, share)
  const p99 = at(0.99)
  const said = `p50 ${ms(at(0.5))}, p99 ${ms(p99)}, max ${ms(at(1))}`
  const cpu = over((copy) => copy.cpu)
  const resident = `${mib(largest(copies.map((copy) => copy.rssBytes)))} resident`
  if (targetMs === null) return [row(subject, copier.name, `${said}; CPU ${percent(cpu)}, ${resident}`)]
  const rows = [row(subject, `${copier.name}: commit to durable file`, said, `p99 <= ${targetMs} ms`, p99 <= targetMs)]
  const cost = `${percent(cpu)}, its supervisor ${percent(over((copy) => copy.supervisorCpu ?? 0))}; ${resident}`
  const figure = `${copier.name}: CPU of capture, of one core`
  return [...rows, targetMs === 60 ? row(subject, figure, cost, '<= 8 %', cpu <= 0.08) : row(subject, figure, cost)]
}
