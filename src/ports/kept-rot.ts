/** What a scrub found, kept between two lives of a capture: pages of the file that are not what was committed, and what stands there instead. */
export interface KeptRot {
  /** Empty when there is none, or what is there makes no sense. @throws IO_FAILED */
  read(): Promise<Rot>
  /** Durable when resolved; replaces the former as a whole. @throws DISK_FULL, IO_FAILED */
  write(rot: Rot): Promise<void>
}

/** By page number: the checksum of the content that was found to be damaged. */
export type Rot = ReadonlyMap<number, PageChecksum>

/** Two halves of 32 bits each. */
export interface PageChecksum {
  readonly high: number
  readonly low: number
}
