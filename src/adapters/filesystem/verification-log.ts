/** When a restore was last proven, in `verified.json` of the state folder. */
import { join } from 'node:path'
import type { VerificationLog } from '../../ports/verification-log.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

export function verificationLogIn(folder: string): VerificationLog {
  const path = join(folder, 'verified.json')
  return {
    read: async () => {
      const { replica, timeline = null, txid, atMs, passed, durationMs } = (await readStateFile(path)) ?? {}
      if (typeof replica !== 'string') return null
      if (typeof txid !== 'number' || typeof atMs !== 'number' || typeof passed !== 'boolean' || typeof durationMs !== 'number') return null
      return { replica, timeline: typeof timeline === 'string' ? timeline : null, txid, atMs, passed, durationMs }
    },
    write: (verification) => writeStateFile(path, verification),
  }
}
