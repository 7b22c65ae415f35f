/** The same writer beside each copier in turn: how soon its commits are in the replica, and what that costs. */
import { type Copier, genesis, litestream } from './copiers.ts'
import { mib, ms, percent, type Row, row } from './report.ts'
import { type Copied, type Session, session } from './session.ts'
import { largest, median, percentile } from './statistics.ts'
import type { World } from './world.ts'

const rate = 200

export async function peers(world: World): Promise<readonly Row[]> {
  const binary = world.litestream
  if (binary === null) return [row('peers', 'litestream', 'not installed here (scripts/install-oracles.sh)')]
  const copiers = [genesis, litestream(binary, null), litestream(binary, 50)]
  const sessions = new Map<Copier, Session[]>(copiers.map((copier) => [copier, []]))
  for (let round = 1; round <= world.rounds; round++) {
    for (const [copier, all] of sessions) {
      world.progress(`${copier.name} at ${rate} tx/s, round ${round} of ${world.rounds}`)
      all.push(await session(world.work, { rate, seconds: world.seconds }, copier))
    }
  }
  return [...sessions].map(([copier, all]) => row(`peers, ${rate} tx/s`, copier.name, sentence(all)))
}

function sentence(sessions: readonly Session[]): string {
  const copies = sessions.flatMap(({ copy }): Copied[] => (copy === null ? [] : [copy]))
  const lag = (share: number): string => ms(median(copies.map((copy) => percentile(copy.lagMs, share))))
  const commit = ms(median(sessions.map((one) => percentile(one.tookMs, 0.99))))
  const cost = `CPU ${percent(median(copies.map((copy) => copy.cpu)))}, ${mib(largest(copies.map((copy) => copy.rssBytes)))}`
  return `to durable file p50 ${lag(0.5)}, p99 ${lag(0.99)}, max ${lag(1)}; ${cost}; commit p99 ${commit}`
}
