/** What a capture remembers, in `capture.json` of the state folder. */
import { join } from 'node:path'
import type { CaptureBinding, CaptureState, OlderDatabase, UnprovenPages } from '../../ports/capture-state.ts'
import { fieldsOf, readStateFile, writeStateFile } from './state-file.ts'

export function captureStateIn(folder: string): CaptureState {
  const path = join(folder, 'capture.json')
  return {
    read: async () => decode(await readStateFile(path)),
    write: (binding) => writeStateFile(path, binding),
  }
}

function decode(value: Readonly<Record<string, unknown>> | null): CaptureBinding | null {
  const { path, device, inode, bornMs, replica, timeline, timelineId } = value ?? {}
  if (typeof path !== 'string' || typeof device !== 'number' || typeof inode !== 'number' || typeof bornMs !== 'number') return null
  if (typeof replica !== 'string' || typeof timeline !== 'string' || typeof timelineId !== 'string') return null
  const beginning = typeof value?.['beginning'] === 'string' ? value['beginning'] : null
  return {
    path,
    device,
    inode,
    bornMs,
    replica,
    timeline,
    timelineId,
    beginning,
    older: arrayOf(value?.['older']).flatMap((one) => decodeOlder(one) ?? []),
    unproven: decodeUnproven(value?.['unproven']),
  }
}

function decodeUnproven(value: unknown): UnprovenPages | null {
  const { pages, txid, atMs } = fieldsOf(value)
  return typeof pages === 'number' && typeof txid === 'number' && typeof atMs === 'number' ? { pages, txid, atMs } : null
}

const arrayOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

function decodeOlder(value: unknown): OlderDatabase | null {
  const { replica, timeline, txid, reachedTxid, atMs } = fieldsOf(value)
  if (typeof replica !== 'string') return null
  if (typeof timeline !== 'string' || typeof txid !== 'number' || typeof reachedTxid !== 'number' || typeof atMs !== 'number') return null
  return { replica, timeline, txid, reachedTxid, atMs }
}
