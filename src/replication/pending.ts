/**
 * What is committed and read, but not yet in the replica: the newest content of each changed page. Pure.
 * Only whole transactions are counted in; frames of one that has not committed wait apart.
 * Pages beyond the end of the database stay until the flush: if it grows again without writing them, they are what SQLite reads.
 */
import type { Frame, WalPosition } from '../wal/frames.ts'

export class Pending {
  readonly pages = new Map<number, Uint8Array>()
  readonly #open = new Map<number, Uint8Array>()
  /** Memory of contents that newer ones replaced: a bot writes the same few pages again and again. */
  readonly #spare: Uint8Array[] = []
  #commits = 0
  #databasePages = 0
  #leastPages = Number.MAX_SAFE_INTEGER
  #sizeBytes = 0
  #firstCommitMs = 0
  #lastCommitMs = 0
  #end: WalPosition | null = null

  get commits(): number {
    return this.#commits
  }

  get empty(): boolean {
    return this.#commits === 0
  }

  /** Bytes of page content held. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Pages in the database after the last commit. */
  get databasePages(): number {
    return this.#databasePages
  }

  /** What is committed here is about the page: it was written, or the database ended before it at some time. */
  touches(page: number): boolean {
    return this.pages.has(page) || page > this.#leastPages
  }

  /** When the first and the last commit were seen: ms since the epoch. */
  get firstCommitMs(): number {
    return this.#firstCommitMs
  }

  get lastCommitMs(): number {
    return this.#lastCommitMs
  }

  /** The place in the log after the last commit; null when nothing is pending. */
  get end(): WalPosition | null {
    return this.#end
  }

  add(frame: Frame, page: Uint8Array, after: WalPosition, seenMs: number): void {
    const again = this.#open.get(frame.pageNumber)
    if (again === undefined) this.#open.set(frame.pageNumber, this.#copy(page))
    else again.set(page)
    if (frame.commitPages === 0) return
    for (const [number, content] of this.#open) {
      const former = this.pages.get(number)
      if (former === undefined) this.#sizeBytes += content.length
      else this.#spare.push(former)
      this.pages.set(number, content)
    }
    this.#open.clear()
    if (this.#commits === 0) this.#firstCommitMs = seenMs
    this.#commits++
    this.#lastCommitMs = seenMs
    this.#databasePages = frame.commitPages
    this.#leastPages = Math.min(this.#leastPages, frame.commitPages)
    this.#end = after
  }

  #copy(page: Uint8Array): Uint8Array {
    const spare = this.#spare.pop()
    if (spare === undefined) return page.slice()
    spare.set(page)
    return spare
  }
}
