/** The page at 1 GiB that SQLite keeps for its locks: it is in no file of a replica. Pure. */

export function lockPage(pageSize: number): number {
  return Math.floor(0x40000000 / pageSize) + 1
}

export function isPageSize(size: number): boolean {
  return size >= 512 && size <= 65536 && (size & (size - 1)) === 0
}
