/** Chance that a seed decides, for drills and tests that can be played again. Pure. */
import type { Random } from '../ports/random.ts'

/** `seed`: any integer. The generator is mulberry32: a counter and two multiplications, good enough to choose faults. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return (word ^ (word >>> 14)) >>> 0
  }
  return {
    below: (bound) => Math.floor((next() / 4294967296) * bound),
    hex: (bytes) => Array.from({ length: bytes }, () => (next() & 0xff).toString(16).padStart(2, '0')).join(''),
  }
}
