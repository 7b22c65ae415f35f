/** Pages of the live file that are not what was committed: what they are used for, and where their last good copy is. */
import { formatTxid } from '../ltx/txid.ts'
import type { ScrubOutcome } from '../ports/capture-control.ts'
import type { DatabaseChecks } from '../ports/database-checks.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { findPages } from '../replica/find-pages.ts'
import type { RestorePlan } from '../replica/plan.ts'
import { isoTime } from '../units.ts'
import { type CheckResult, passed } from './check-result.ts'

export interface DamagedPage {
  readonly page: number
  /** "leaf of table orders"; null: the page is free, so that nothing is lost with it. */
  readonly use: string | null
  /** The newest file of the replica that has it; null: none has. */
  readonly goodCopy: { readonly file: string; readonly txid: string; readonly timestamp: string } | null
}

const check = 'pages of the database file'
const expected = 'every page is what was committed'

/** Chosen: each is looked up in the replica; more than these are told by their numbers. */
const described = 20

/** `restored`: the sound database of the plan, which says what a page is used for. */
export async function describeDamaged(
  { store, checks }: { readonly store: ObjectStore; readonly checks: DatabaseChecks },
  { damaged }: Pick<ScrubOutcome, 'damaged'>,
  plan: RestorePlan,
  restored: string,
): Promise<readonly DamagedPage[]> {
  const pages = damaged.slice(0, described)
  if (pages.length === 0) return []
  const uses = await checks.pageUses(restored, pages, 'alone')
  const copies = await findPages(store, plan, new Set(pages))
  return pages.map((page) => {
    const file = copies.get(page)?.file
    const goodCopy = file === undefined ? null : { file: file.key, txid: formatTxid(file.maxTxid), timestamp: isoTime(file.timestampMs) }
    return { page, use: uses.get(page) ?? null, goodCopy }
  })
}

/** null: the pages could not be judged, which is no pass. */
export function pagesCheck({ because, damaged, judged, waiting, reads }: ScrubOutcome, pages: readonly DamagedPage[]): CheckResult | null {
  if (because !== null) return null
  if (damaged.length === 0) {
    const apart = waiting === 0 ? '' : `, ${waiting} are being written`
    return passed(check, `${judged} pages ${reads === 'direct' ? 'on the disk' : '(page cache only)'} are${apart}`, expected)
  }
  const named = pages.slice(0, 3).map(({ page, use, goodCopy }) => {
    const good = goodCopy === null ? 'no copy of it is in the replica' : `its last good copy is of ${goodCopy.txid}, ${goodCopy.timestamp}`
    return `page ${page} (${use ?? 'free'}): ${good}`
  })
  const more = damaged.length > named.length ? [`and ${damaged.length - named.length} more`] : []
  return { check, outcome: 'fail', observed: [...named, ...more].join('; '), expected }
}
