/** The log of a database as a plain file, before SQLite opens it: what cannot be read in it is overwritten by the next commits. */
import type { DatabaseBytes } from './live-database.ts'

export interface LogFile extends Pick<DatabaseBytes, 'readWal'> {
  /**
   * The path of a durable copy of the whole log: a new one, or one from before that has the same bytes from `fromByte` on.
   * If we die here: a copy is whole or absent. Safe to repeat: yes.
   * @throws DISK_FULL when it would not leave enough room, IO_FAILED; nothing is kept then
   */
  keep(fromByte: number): Promise<string>
  close(): void
}
