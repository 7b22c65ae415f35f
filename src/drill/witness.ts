/**
 * The witness of the drill bot: what it was told is committed, one JSON line each. It is the measure of loss in drills. Pure.
 * Every start of the bot writes a line of its own first; order ids carry the id of that life, so an order that was lost is never
 * mistaken for one that a later life placed under the same number.
 */

/** A start of the bot. */
export interface WitnessLife {
  readonly life: string
  readonly pid: number
  /** ms since the Unix epoch. */
  readonly atMs: number
  /** What the database held when it began to trade: the newest order number and event sequence number. */
  readonly seq: number
  readonly eventSeq: number
}

/** An acknowledged transaction. */
export interface WitnessCommit {
  /** Number of the order. */
  readonly seq: number
  /** ms since the Unix epoch, right after COMMIT returned. */
  readonly atMs: number
  readonly orderId: string
  /** Newest event of the transaction. */
  readonly eventSeq: number
}

export interface Witness {
  readonly lives: readonly WitnessLife[]
  readonly commits: readonly WitnessCommit[]
}

export const encodeWitness = (line: WitnessLife | WitnessCommit): string => `${JSON.stringify(line)}\n`

/** A last line without its end was being written when the bot was killed: nobody was told of that commit, and it is left out. */
export function decodeWitness(text: string): Witness {
  const lives: WitnessLife[] = []
  const commits: WitnessCommit[] = []
  for (const line of text.split('\n').slice(0, -1)) {
    const entry = JSON.parse(line) as WitnessLife | WitnessCommit
    if ('life' in entry) lives.push(entry)
    else commits.push(entry)
  }
  return { lives, commits }
}
