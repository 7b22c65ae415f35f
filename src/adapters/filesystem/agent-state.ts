/** What an agent leaves, in `agent.json` of the state folder. */
import { join } from 'node:path'
import type { AgentRecord, AgentState } from '../../ports/agent-state.ts'
import { readStateFile, writeStateFile } from './state-file.ts'

export function agentStateIn(folder: string): AgentState {
  const path = join(folder, 'agent.json')
  return {
    read: async () => decode(await readStateFile(path)),
    write: (record) => writeStateFile(path, record),
  }
}

function decode(value: Readonly<Record<string, unknown>> | null): AgentRecord | null {
  const { pid, startedAtMs, looked, run } = value ?? {}
  if (typeof pid !== 'number' || typeof startedAtMs !== 'number') return null
  return { pid, startedAtMs, looked: decodeLooked(looked), run: decodeRun(run) }
}

function decodeLooked(value: unknown): AgentRecord['looked'] {
  const { atMs, found, untold } = Object(value)
  return typeof atMs === 'number' && typeof found === 'string' && typeof untold === 'string' ? { atMs, found, untold } : null
}

function decodeRun(value: unknown): AgentRecord['run'] {
  const { scenario, atMs, found } = Object(value)
  return typeof scenario === 'string' && typeof atMs === 'number' && typeof found === 'string' ? { scenario, atMs, found } : null
}
