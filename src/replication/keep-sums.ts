/** Keeps the page checksums of a restore point for the next life of the capture. */
import { isDrError } from '../errors.ts'
import type { KeptSums, KeptSumsOf } from '../ports/kept-sums.ts'
import type { PageSums } from '../replica/page-sums.ts'

/** Why they could not be kept, null when they were. What was not kept is read from the replica by the next attach, which takes longer. */
export function keepSums(kept: KeptSums, of: Omit<KeptSumsOf, 'pages'>, sums: PageSums): string | null {
  try {
    kept.write({ ...of, pages: sums.pages }, sums.takeChanged())
    return null
  } catch (error) {
    if (!isDrError(error)) throw error
    sums.allChanged()
    return error.message
  }
}
