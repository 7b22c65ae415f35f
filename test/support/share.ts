/**
 * How much of what could be played a run of all tests plays. GENESIS_DR_TESTS=whole: all of it, as CI does. Otherwise a part that the seed
 * chooses, so that all tests are done in a few minutes; the same seed plays the same part again.
 */
import { seededRandom } from '../../src/drill/seeded-random.ts'

export const whole = process.env['GENESIS_DR_TESTS'] === 'whole'
const seed = Number(process.env['GENESIS_DR_SEED'] ?? 1)

/** One in `oneIn` of `all`, in their order, never none of some; `of` keeps the choices of several lists apart. */
export function shareOf<T>(all: readonly T[], oneIn: number, of = ''): readonly T[] {
  if (whole) return all
  const salt = [...of].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, seed)
  const from = seededRandom(salt).below(Math.min(oneIn, Math.max(1, all.length)))
  return all.filter((_, at) => at % oneIn === from)
}

/** Said once by each file that plays a part. */
export const shareTold = whole
  ? 'all of it'
  : `a part of it: GENESIS_DR_SEED=${seed} plays this part again, GENESIS_DR_TESTS=whole all of it`
