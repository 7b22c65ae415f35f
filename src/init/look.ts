/** Looks at what is here: only reads, and leaves nothing behind. */
import { DrError, isDrError } from '../errors.ts'
import type { Caretakers } from '../ports/caretakers.ts'
import type { DatabaseChecks, FileAccess } from '../ports/database-checks.ts'
import type { DatabaseFiles } from '../ports/database-files.ts'
import type { DatabaseFile, DatabaseSearch, Searched } from '../ports/database-search.ts'
import type { OpenFiles } from '../ports/open-files.ts'
import type { Schema, SchemaReader } from '../ports/schema-reader.ts'
import type { Users } from '../ports/users.ts'
import { runUserChecks } from '../runbook/check-database.ts'
import { type KnownCapture, strangersOn } from '../runbook/holders.ts'
import { lookAccess, untouchable } from '../runbook/look-access.ts'
import { counted } from '../units.ts'
import type { Candidate, Facts, Standing, TriedCheck } from './facts.ts'
import { proposedChecks, recogniseLedger } from './ledger.ts'
import type { Program } from './next-steps.ts'

export interface LookPorts {
  readonly search: DatabaseSearch
  readonly files: Pick<DatabaseFiles, 'stat'>
  readonly openFiles: OpenFiles
  readonly schema: SchemaReader
  readonly checks: Pick<DatabaseChecks, 'queryValue'>
  readonly caretakers: Caretakers
  readonly users: Users
  readonly program: Program
  /** The capture of this database, if one runs. */
  captureOf(database: string): KnownCapture
  /** The device of what is at the path, or of what is to be made there; null: cannot be told. */
  deviceOf(path: string): Promise<number | null>
  readonly dirname: (path: string) => string
}

/** Chosen: the first of them are looked at whole; whoever has more names one. */
const mostCandidates = 20

export interface Found {
  readonly candidates: readonly Candidate[]
  readonly searched: Searched
}

/** @throws DATABASE_MISSING when there is none */
export async function findCandidates(ports: LookPorts, folder: string): Promise<Found> {
  const searched = await ports.search.below(folder)
  if (searched.files.length === 0) {
    const gaps = searched.gaps.length === 0 ? '' : `; ${searched.gaps.join('; ')}`
    throw new DrError('DATABASE_MISSING', {
      what: `no SQLite database is in ${folder} or up to three folders below it (${counted(searched.looked, 'file')} looked at${gaps})`,
      untouched: 'Nothing was written.',
      next: 'Name it with --db FILE; start the bot once if it makes its database only then.',
    })
  }
  const candidates: Candidate[] = []
  for (const file of searched.files.slice(0, mostCandidates)) candidates.push((await lookAt(ports, file)).candidate)
  return { candidates, searched }
}

interface Looked {
  readonly candidate: Candidate
  readonly access: FileAccess | null
  readonly schema: Schema | null
}

async function lookAt(ports: LookPorts, file: DatabaseFile): Promise<Looked> {
  const own = { ...ports, capture: ports.captureOf(file.path) }
  const holders = await strangersOn(own, file.path)
  const free = await lookAccess(own, file.path)
  // A journal with something in it is of a transaction that did not end: until SQLite takes it back, the file alone is not the database.
  const unfinished = ((await ports.files.stat(`${file.path}-journal`))?.sizeBytes ?? 0) > 0
  const access = free === 'alone' && unfinished ? null : free
  const schema = access === null ? untouchable.because : await schemaOf(ports, file.path, access)
  const ledger = typeof schema === 'string' ? null : recogniseLedger(schema)
  const candidate = {
    file,
    holders,
    ledger,
    ledgerBecause: ledger?.because ?? `whose tables it has is not known: ${String(schema)}`,
    owner: await ports.users.userName(file.uid),
    group: await ports.users.groupName(file.gid),
  }
  return { candidate, access, schema: typeof schema === 'string' ? null : schema }
}

/** The tables, or why they could not be looked at. */
async function schemaOf({ schema }: LookPorts, path: string, access: FileAccess): Promise<Schema | string> {
  try {
    return await schema.read(path, access)
  } catch (error) {
    if (!isDrError(error)) throw error
    return error.message
  }
}

export interface Places {
  readonly folder: string
  readonly output: string
  readonly standing: Standing | null
  readonly replica: { readonly path: string; readonly given: 'given' | 'proposed' }
}

export async function lookCloser(ports: LookPorts, file: DatabaseFile, { folder, output, standing, replica }: Places): Promise<Facts> {
  const { candidate, access, schema } = await lookAt(ports, file)
  const home = ports.dirname(file.path)
  const folders = [...new Set([folder, home])]
  const checks: TriedCheck[] = []
  if (access !== null && schema !== null && candidate.ledger !== null) {
    const proposed = proposedChecks(candidate.ledger.ledger, schema)
    let at = 0
    for await (const { error: _, ...result } of runUserChecks(ports.checks, file.path, access, proposed)) {
      const check = proposed[at++]
      if (check !== undefined) checks.push({ check, result })
    }
  }
  const folderFacts = await ports.files.stat(home)
  if (folderFacts === null)
    throw new DrError('DATABASE_MISSING', {
      what: `the folder ${home} is gone`,
      untouched: 'Nothing was written.',
      next: 'Look at it, then repeat.',
    })
  const devices = [await ports.deviceOf(file.path), await ports.deviceOf(replica.path)]
  const replicaFacts = await ports.files.stat(replica.path)
  return {
    ...candidate,
    folder,
    output,
    standing,
    checks,
    units: await ports.caretakers.units(
      candidate.holders.processes.map(({ pid }) => pid),
      folders,
    ),
    containers: await ports.caretakers.containers(file.path, folders),
    self: await ports.users.self(),
    folderFacts: { ...folderFacts, path: home },
    writeAccess: await ports.users.writeAccess(file.path),
    closed: await ports.users.closedTo(ports.program.script, file),
    replica: {
      ...replica,
      sameDisk: devices.includes(null) ? null : devices[0] === devices[1],
      owner: replicaFacts === null ? null : await ports.users.userName(replicaFacts.uid),
    },
  }
}
