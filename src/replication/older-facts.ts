/** What the replica has that the database lacks, as long as nobody has decided what is to become of it. Reads only. */
import type { CaptureState, OlderDatabase } from '../ports/capture-state.ts'
import type { ObjectStore } from '../ports/object-store.ts'
import { type Catalogue, readCatalogue } from '../replica/catalogue.ts'
import { countGivenUp } from '../replica/given-up.ts'
import type { OlderFacts } from './capture-event.ts'

/** Oldest first; empty: nothing that is known of. @throws as the store */
export async function olderFacts(state: CaptureState, store: ObjectStore): Promise<readonly OlderFacts[]> {
  const older = (await state.read())?.older ?? []
  return older.length === 0 ? [] : factsOfOlder(store, await readCatalogue(store), older)
}

export async function factsOfOlder(
  store: ObjectStore,
  { timelines }: Catalogue,
  all: readonly OlderDatabase[],
): Promise<readonly OlderFacts[]> {
  const facts: OlderFacts[] = []
  for (const older of all) {
    const { replica, timeline, txid } = older
    const found = { parent: timeline, forkTxid: txid }
    // What another replica has is not counted here.
    if (replica !== store.url) facts.push({ replica, ...found, commits: { least: null, most: null } })
    const parent = replica === store.url ? timelines.find(({ number }) => number === timeline) : undefined
    if (parent !== undefined && parent.latestTxid > txid)
      facts.push({ replica: null, ...found, commits: await countGivenUp(store, parent, older) })
  }
  return facts
}
