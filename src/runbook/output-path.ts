/** Where a restored file must not go: at a name by which SQLite or this program would take it for something else. Pure. */
import { DrError } from '../errors.ts'

export interface OwnPlaces {
  /** Absolute, without symbolic links, as is the output that is asked for. */
  readonly database: string
  /** Of the replica, and of what the capture keeps. */
  readonly folders: readonly string[]
}

const companions = ['-wal', '-shm', '-journal'] as const

/** The database that SQLite would read such a file for; null: the name is nobody's companion. */
export function companionOf(output: string): string | null {
  const suffix = companions.find((one) => output.endsWith(one))
  return suffix === undefined ? null : output.slice(0, -suffix.length)
}

/** @throws USAGE */
export function requireOutputPath(output: string, { database, folders }: OwnPlaces): void {
  if (output === database) throw refused(`${output} is the database itself`, 'Leave --output out to recover in place.')
  if (companionOf(output) === database) throw refused(`SQLite takes ${output} for a part of ${database}`, 'Give another --output.')
  const folder = folders.find((one) => output === one || output.startsWith(`${one}/`))
  if (folder !== undefined) throw refused(`${output} lies in ${folder}, which holds the copies themselves`, 'Give an --output elsewhere.')
}

function refused(what: string, next: string): DrError {
  return new DrError('USAGE', { what, untouched: 'Nothing was restored.', next })
}
