/** Who has the database open, beside its capture and ourselves: the proof that a bot is stopped. */
import { DrError } from '../errors.ts'
import type { FileIdentity } from '../ports/live-database.ts'
import type { Holder, Holders } from '../ports/open-files.ts'
import type { RunbookPorts } from './runbook.ts'

/** Processes other than the capture that have the database, its -wal or its -shm open. */
export async function strangersOn(
  { files, openFiles, capture }: Pick<RunbookPorts, 'files' | 'openFiles' | 'capture'>,
  database: string,
): Promise<Holders> {
  const identities: FileIdentity[] = []
  for (const suffix of ['', '-wal', '-shm']) {
    const facts = await files.stat(`${database}${suffix}`)
    if (facts !== null) identities.push(facts)
  }
  if (identities.length === 0) return { processes: [], complete: true, because: 'no file of the database is there' }
  const { pid } = await capture.reach()
  const holders = await openFiles.holders(identities)
  const processes = holders.processes.filter((one) => one.pid !== pid)
  return { processes, complete: holders.complete, because: holders.because }
}

/** @throws DATABASE_IN_USE naming the processes, HOLDERS_UNKNOWN when it cannot be told */
export function requireNobody(strangers: Holders, database: string, next: string): void {
  if (strangers.processes.length > 0) {
    throw new DrError('DATABASE_IN_USE', {
      what: `${database} is open in ${listed(strangers.processes)}`,
      untouched: 'Nothing was done.',
      next,
    })
  }
  if (!strangers.complete) {
    throw new DrError('HOLDERS_UNKNOWN', {
      what: `it cannot be told whether a process has ${database} open: ${strangers.because}`,
      untouched: 'Nothing was done.',
      next: 'Repeat as root, which may look into every process.',
    })
  }
}

export function listed(processes: readonly Holder[]): string {
  return processes.map((one) => `process ${one.pid} (${one.command.slice(0, 80)})`).join(', ')
}
