/** What the replica has that the database lacks, as long as nobody has decided what is to become of it. Reads only. */
import type { CaptureState, OlderDatabase } from '../ports/capture-state.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type Catalogue, readCatalogue } from '../replica/catalogue.ts'
import { countGivenUp } from '../replica/given-up.ts'
import type { OlderFacts } from './capture-event.ts'

/** null: nothing, or nothing that is known of. @throws as the store */
export async function olderFacts(state: CaptureState, store: ObjectStore): Promise<OlderFacts | null> {
  const older = (await state.read())?.older ?? null
  return older === null ? null : factsOfOlder(store, await readCatalogue(store), older)
}

export async function factsOfOlder(store: ObjectStore, { timelines }: Catalogue, older: OlderDatabase): Promise<OlderFacts | null> {
  const parent = timelines.find(({ number }) => number === older.timeline)
  if (parent === undefined || parent.latestTxid <= older.txid) return null
  return { parent: older.timeline, forkTxid: older.txid, commits: await countGivenUp(store, parent, older) }
}
