/** How long a writer was kept waiting at worst: by our own write lock, as the capture says it, and by anything, as the writer saw it. Pure. */
import { ms, type Row, row } from './report.ts'
import { copiesOf, type Session } from './session.ts'
import { largest, median } from './statistics.ts'

/** Of all rounds. A commit also waits for the disk and for the processor; alone it does as well. */
export function stallRows(subject: string, alone: readonly Session[], captured: readonly Session[], targetMs: number): readonly Row[] {
  const held = copiesOf(captured).flatMap((copy) => copy.heldMs)
  const target = `<= ${targetMs} ms`
  const longest = (sessions: readonly Session[]): number => largest(sessions.map((one) => largest(one.tookMs)))
  const commit = longest(captured)
  return [
    held.length === 0
      ? row(subject, 'stall by us: our write lock, longest', 'never taken: the log stayed small', target, true)
      : row(
          subject,
          'stall by us: our write lock, longest',
          `${ms(largest(held))} (${held.length} times, p50 ${ms(median(held))})`,
          target,
          largest(held) <= targetMs,
        ),
    row(
      subject,
      'stall by anything: longest commit',
      `${ms(longest(alone))} alone, ${ms(commit)} captured`,
      `${target} captured`,
      commit <= targetMs,
    ),
  ]
}
