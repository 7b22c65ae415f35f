/** What recoveries of a database did not finish, in `recovery.json` beside it. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { FileOwner, RecoveryMemory, UnfinishedRecovery } from '../../ports/recovery-memory.ts'
import { codeOf, diskError, removeIfThere, syncFolder } from './durable.ts'
import { fieldsOf, readStateFile, writeStateFile } from './state-file.ts'

export function recoveryMemoryIn(folder: string): RecoveryMemory {
  const path = join(folder, 'recovery.json')
  return {
    read: async () => (existsSync(path) ? decode(await readStateFile(path)) : null),
    write: (unfinished) => writeStateFile(path, unfinished),
    clear: async () => {
      try {
        await removeIfThere(path)
        await syncFolder(folder)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw diskError(error, `remove ${path}`, 'It stands as it was.')
      }
    },
  }
}

function decode(value: Readonly<Record<string, unknown>> | null): UnfinishedRecovery {
  const { runId, evidence, owner, restored, lostTransactions, dataLossMs } = value ?? {}
  return {
    runId: typeof runId === 'string' ? runId : 'unknown',
    evidence: Array.isArray(evidence) ? evidence.filter((one) => typeof one === 'string') : [],
    owner: decodeOwner(owner),
    restored: decodePoint(restored),
    lostTransactions: typeof lostTransactions === 'number' ? lostTransactions : null,
    dataLossMs: typeof dataLossMs === 'number' ? dataLossMs : null,
  }
}

function decodeOwner(value: unknown): FileOwner | null {
  const { uid, gid, mode } = fieldsOf(value)
  return typeof uid === 'number' && typeof gid === 'number' && typeof mode === 'number' ? { uid, gid, mode } : null
}

function decodePoint(value: unknown): UnfinishedRecovery['restored'] {
  const { timeline, txid } = fieldsOf(value)
  return typeof txid === 'number' ? { timeline: typeof timeline === 'string' ? timeline : null, txid } : null
}
