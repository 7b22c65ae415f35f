/** How much room a file system has. */
export interface DiskSpace {
  readonly freeBytes: number
  readonly totalBytes: number
}
