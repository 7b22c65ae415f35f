/**
 * The checksum of every page as of a restore point: the truth that a file on disk is compared with. From what a capture kept and the few
 * files since then, where that gives the recorded rolling checksum; otherwise from the whole plan.
 */
import type { KeptSums } from '../ports/kept-sums.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import type { CatalogueTimeline } from './catalogue.ts'
import { PageSums } from './page-sums.ts'
import { planRestore, type RestorePlan } from './plan.ts'
import { type PageSink, type ReadAfter, readPlan } from './read-plan.ts'

/** The checksum of every page at the end of the plan. @throws as readPlan */
export async function sumPlan(store: ObjectStore, plan: RestorePlan): Promise<PageSums> {
  const sums = new PageSums()
  await addFiles(store, plan, sums, null)
  return sums
}

export interface PointSums {
  readonly sums: PageSums
  /** Txid that the kept checksums were of; null when they did not serve. */
  readonly keptTxid: number | null
}

/** `rolling`: what the point says of itself; null: nothing, so that kept ones cannot be proven. @throws as readPlan */
export async function sumsOfPoint(
  store: ObjectStore,
  timeline: CatalogueTimeline,
  point: { readonly txid: number; readonly rolling: bigint | null },
  kept: KeptSums,
): Promise<PointSums> {
  const plan = planRestore(timeline.files, { txid: point.txid })
  const known = point.rolling === null ? null : await kept.read()
  if (known !== null && known.of.timelineId === timeline.id && known.of.txid <= point.txid) {
    const { txid, pageSize, pages } = known.of
    const sums = PageSums.fromBlocks(pages, known.bytes)
    const files = plan.files.filter((file) => file.maxTxid > txid)
    if (sums !== null) await addFiles(store, { files }, sums, { pageSize, commit: pages })
    if (sums?.rolling === point.rolling) return { sums, keptTxid: txid }
  }
  return { sums: await sumPlan(store, plan), keptTxid: null }
}

async function addFiles(store: ObjectStore, plan: Pick<RestorePlan, 'files'>, sums: PageSums, after: ReadAfter | null): Promise<void> {
  if (plan.files.length === 0) return
  let pages = sums.pages
  const sink: PageSink = {
    begin: (_pageSize, count) => {
      pages = count
      if (count > sums.pages) sums.resize(count)
    },
    page: (number, _page, high, low) => sums.set(number, high, low),
  }
  await readPlan(store, plan, sink, () => {}, after)
  sums.resize(pages)
}
