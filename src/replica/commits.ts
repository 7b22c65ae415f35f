/** How many commits a file of a replica brings. Pure. */
import type { LtxHeader } from '../ltx/header.ts'
import { decodeRestorePoint } from '../ltx/restore-point.ts'
import { type ReplicaFile, snapshotLevel } from './layout.ts'

/** null: it does not say, or it is a snapshot, which has what was before it too. */
export function commitsIn({ level }: Pick<ReplicaFile, 'level'>, { reserved }: Pick<LtxHeader, 'reserved'>): number | null {
  return level === snapshotLevel ? null : (decodeRestorePoint(reserved)?.commits ?? null)
}
