/** Work that must not overlap, one after the other in the order in which it was asked for. */
import { sentenceOf } from '../errors.ts'

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** What fails is told to whoever asked for it, and holds up nobody behind it. */
export function inTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work)
    last = turn.catch((error: unknown) => sentenceOf(error))
    return turn
  }
}
