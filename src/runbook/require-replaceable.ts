/** Whether what the replica has may take the place of the database, and can: asked before anything is stopped, because it fails only after everything else. */
import { DrError, isDrError } from '../errors.ts'
import { type CatalogueTimeline, currentTimeline, readCatalogue } from '../replica/catalogue.ts'
import { requireOneName } from './other-name.ts'
import type { RunbookPorts } from './runbook.ts'

type Ports = Pick<RunbookPorts, 'store' | 'files' | 'openFiles' | 'outputs' | 'capture'>

/** @throws REPLICA_OTHER, DATABASE_OTHER, DATABASE_IN_USE under another name, OWNERSHIP_LOST */
export async function requireReplaceable(ports: Ports, database: string): Promise<void> {
  await requireCaptured(ports)
  await requireOwnReplica(ports, database)
  await requireOneName(ports, database)
  await requireOwner(ports, database)
}

/**
 * The path of the database that the replica is a copy of, where that is another one; null: it is of this one, or nothing tells. A file that was
 * moved with its folder is known to its capture. Where no file stands, nothing is lost that way: it may be brought back on another machine.
 */
export async function otherDatabaseOf(
  { store, files, capture }: Omit<Ports, 'outputs' | 'openFiles'>,
  database: string,
): Promise<string | null> {
  const standing = await files.stat(database)
  if (standing === null) return null
  const timeline = await newestTimeline(store)
  if (timeline?.database == null || timeline.database === database) return null
  return (await capture.timelineOf(standing)) === timeline.id ? null : timeline.database
}

/** null also where the replica is away, or damaged: trading is stopped all the same, and the steps after that say what of it. */
async function newestTimeline(store: Ports['store']): Promise<CatalogueTimeline | null> {
  try {
    return currentTimeline(await readCatalogue(store))
  } catch (error) {
    if (isDrError(error)) return null
    throw error
  }
}

/** What the capture drains and protects is in its own replica, and would be looked for in another. @throws REPLICA_OTHER */
async function requireCaptured({ capture, store }: Ports): Promise<void> {
  const other = await capture.otherReplica()
  if (other === null) return
  throw new DrError('REPLICA_OTHER', {
    what: otherReplicaText(other, store.url),
    untouched: 'Nothing was stopped, and nothing was touched.',
    next: 'Restart the capture (genesis-dr agent, or replicate), so that it copies to that one, or give the configuration back what it said; then repeat. genesis-dr recover --output FILE restores from any replica.',
  })
}

export function otherReplicaText(theirs: string, ours: string): string {
  return `the capture that runs copies to ${theirs}, and ${ours} is configured`
}

/** @throws DATABASE_OTHER */
async function requireOwnReplica(ports: Ports, database: string): Promise<void> {
  const other = await otherDatabaseOf(ports, database)
  if (other === null) return
  throw new DrError('DATABASE_OTHER', {
    what: `the replica ${ports.store.url} is a copy of ${other}, and nothing says that ${database} is the same database`,
    untouched: 'Nothing was stopped, and nothing was touched.',
    next: 'Correct --replica or the configuration. If it is the same database at another place: genesis-dr recover --output FILE restores beside it, for a look.',
  })
}

/** @throws OWNERSHIP_LOST when owner, group or mode of the database that stands could not be kept */
async function requireOwner({ files, outputs }: Ports, database: string): Promise<void> {
  const standing = await files.stat(database)
  const because = standing === null ? null : await outputs.whyNotLike(database, standing)
  if (because === null) return
  throw new DrError('OWNERSHIP_LOST', {
    what: `the database could not be replaced: ${because}`,
    untouched: 'Nothing was stopped, and nothing was touched.',
    next: 'Repeat as root, or as the user of the bot; genesis-dr recover --output FILE restores to a file of your own.',
  })
}
