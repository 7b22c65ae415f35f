/**
 * The checksums of the pages, kept between two lives of a capture. They are a hint, and need not be durable: whoever reads them applies
 * what the replica has since their txid and believes the result only when its rolling checksum is the recorded one.
 */
export interface KeptSums {
  /** null when there are none, or what is there cannot be read. */
  read(): Promise<{ readonly of: KeptSumsOf; readonly bytes: Uint8Array } | null>
  /**
   * Blocks of 4096 bytes into their places, then what they are of. If we die here: some blocks are newer than `txid` says, and the files
   * of the replica since then have the pages by which they are. Synchronous, so that the checksums stand still meanwhile.
   * @throws DISK_FULL, IO_FAILED: what is there is then no worse a hint
   */
  write(of: KeptSumsOf, blocks: Iterable<{ readonly at: number; readonly bytes: Uint8Array }>): void
}

/** The database that they are of: at this restore point of this timeline. */
export interface KeptSumsOf {
  readonly timelineId: string
  readonly txid: number
  /** Bytes. */
  readonly pageSize: number
  readonly pages: number
}
