/** Who has the database open, beside its capture and ourselves: the proof that a bot is stopped. */
import { DrError } from '../errors.ts'
import type { DatabaseFiles } from '../ports/database-files.ts'
import type { FileIdentity } from '../ports/live-database.ts'
import type { Holder, Holders, OpenFiles } from '../ports/open-files.ts'
import type { Captor, CaptureAccess } from './runbook.ts'

export interface HolderPorts {
  readonly files: Pick<DatabaseFiles, 'stat'>
  readonly openFiles: OpenFiles
  readonly capture: KnownCapture
}

/** What of a capture tells whose process it is. */
export interface KnownCapture extends Pick<CaptureAccess, 'knownFile'> {
  reach(): Promise<Pick<Captor, 'pid'>>
}

/**
 * Processes other than the capture that have the database, its -wal or its -shm open, at its path or, where it may be there, at `aside`.
 * A file that was deleted or replaced under a bot is open all the same, so the one that the capture remembers is looked for too; where
 * none stands and it remembers none, that nobody was found proves nothing.
 */
export async function strangersOn(
  { files, openFiles, capture }: HolderPorts,
  database: string,
  aside: string | null = null,
): Promise<Holders> {
  const identities: FileIdentity[] = []
  let stands = false
  for (const path of aside === null ? [database] : [database, aside]) {
    for (const suffix of ['', '-wal', '-shm']) {
      const facts = await files.stat(`${path}${suffix}`)
      if (facts !== null) identities.push(facts)
      stands ||= facts !== null && suffix === ''
    }
  }
  const known = await capture.knownFile()
  if (known !== null && !identities.some((one) => one.device === known.device && one.inode === known.inode)) identities.push(known)
  const { pid } = await capture.reach()
  const holders = identities.length === 0 ? null : await openFiles.holders(identities)
  const processes = holders?.processes.filter((one) => one.pid !== pid) ?? []
  if (holders !== null && (stands || known !== null)) return { processes, complete: holders.complete, because: holders.because }
  return { processes, complete: false, because: `no file stands at ${database}, and no capture remembers which one did` }
}

/** @throws DATABASE_IN_USE naming the processes, HOLDERS_UNKNOWN when it cannot be told */
export function requireNobody(strangers: Holders, database: string, next: string): void {
  if (strangers.processes.length > 0) {
    throw new DrError('DATABASE_IN_USE', {
      what: `${database} is open in ${listed(strangers.processes)}`,
      untouched: 'The database was not touched.',
      next,
    })
  }
  if (!strangers.complete) {
    throw new DrError('HOLDERS_UNKNOWN', {
      what: `it cannot be told whether a process has ${database} open: ${strangers.because}`,
      untouched: 'The database was not touched.',
      next: 'What stands in the way is named above; root may look into every process. genesis-dr recover --output FILE restores beside, whoever has it open.',
    })
  }
}

export function listed(processes: readonly Holder[]): string {
  return processes.map((one) => `process ${one.pid} (${one.command.slice(0, 80)})`).join(', ')
}
