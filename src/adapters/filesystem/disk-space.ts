/** How much room there is on the disk of a file. */
import { statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DiskSpace } from '../../ports/disk-space.ts'
import { codeOf } from './durable.ts'

/** null where it cannot be told: the folder is away. `freeBytes`: what a user without privileges may still write. */
export function diskSpaceOf(path: string): DiskSpace | null {
  try {
    const { bavail, blocks, bsize } = statfsSync(dirname(path))
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
  } catch (error) {
    if (codeOf(error) === '') throw error
    return null
  }
}
