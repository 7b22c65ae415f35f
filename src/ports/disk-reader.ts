/** The bytes of a database file as they are on the disk, for looking after them: a read through the page cache shows what is in memory. */
export interface DiskReader {
  /** 'page cache only': the file system does not read past its cache, so that damage on the disk shows when the file is read anew. */
  readonly how: 'direct' | 'page cache only'
  /**
   * Up to `sizeBytes` (1 MiB at most) from `offset` on, fewer at the end of the file; valid until the next call. Both are multiples of 4096.
   * @throws IO_FAILED where the disk cannot read it
   */
  read(offset: number, sizeBytes: number): Uint8Array
}
