/** What every subject of the benchmark is given. */
import type { Row } from './report.ts'

export interface World {
  /** A folder for everything that is made; whoever started the benchmark removes it. */
  readonly work: string
  readonly rounds: number
  /** Of each run of a writer. */
  readonly seconds: number
  /** Of the database that is restored. */
  readonly sizeBytes: number
  /** The peer's binary, null where it is not installed. */
  readonly litestream: string | null
  progress(sentence: string): void
}

export type Subject = (world: World) => Promise<readonly Row[]>
