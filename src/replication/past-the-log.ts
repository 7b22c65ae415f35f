/**
 * The log was taken away while it was in use. Whoever has it open commits to it as before, but whoever opens the database since begins another
 * one, which we do not read. Only a file that is what was committed, page by page, with no other log beside it, shows that nobody did.
 */
import type { LiveDatabase } from '../ports/live-database.ts'
import { counted } from '../units.ts'
import { RotMemory } from './rot-memory.ts'
import { Scrub, type ScrubWorld } from './scrub.ts'

/** Chosen: two looks at a page in doubt lie ten times as far apart. */
const waitMs = 5

/** Why commits may have been made past the capture; null: the log is where it was, or nothing was committed past it. */
export async function committedPastLog(
  database: Pick<LiveDatabase, 'moved' | 'otherLog'>,
  world: Omit<ScrubWorld, 'rot' | 'onDamage'>,
): Promise<string | null> {
  const moved = database.moved()
  if (moved.includes('database') || moved.length === 0) return null
  if (database.otherLog()) return 'another log stands in the place of the one that is followed, and what was committed to it was not read'
  const { clock } = world
  const scrub = new Scrub({ ...world, rot: new RotMemory(new Map()), onDamage: () => {} }, 0)
  while (!scrub.lookNow(clock.monotonicMs())) await clock.sleep(scrub.waits ? waitMs : 0)
  const { damaged } = scrub.facts
  if (damaged.length === 0) return null
  return `${counted(damaged.length, 'page')} of the file are not what was committed, and its log was taken away: whether by damage, or by commits past the capture, cannot be told`
}
