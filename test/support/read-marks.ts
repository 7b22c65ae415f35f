/** The locks that the kernel says a process holds on a file, as a look from outside. */
import { readFileSync, statSync } from 'node:fs'

/** SQLite's read marks are locks on these bytes of the -shm. */
const [firstMark, lastMark] = [123, 127]

/** False also when there is no -shm. */
export function holdsReadMark(pid: number | undefined, database: string): boolean {
  const inode = statSync(`${database}-shm`, { throwIfNoEntry: false })?.ino
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .map((line) => line.split(/\s+/))
    .filter((parts) => parts[5]?.endsWith(`:${inode}`) === true && Number(parts[4]) === pid)
    .some((parts) => Number(parts[6]) >= firstMark && Number(parts[7]) <= lastMark)
}
