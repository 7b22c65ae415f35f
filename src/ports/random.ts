/** Chance, as the domain may ask for it. */
export interface Random {
  /** Lower-case hex of `bytes` random bytes. */
  hex(bytes: number): string
  /** Uniform integer, 0 inclusive to `bound` exclusive; bound 1..2^32. */
  below(bound: number): number
}
