/** The lock that an agent holds as long as it lives: one for each state folder. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DrError } from '../../errors.ts'
import { lockHolder, type ProcessLock, takeProcessLock, waitForLock } from './process-lock.ts'

const pathIn = (folder: string): string => join(folder, 'agent.lock')

/** Chosen: whoever only looks holds the lock for an instant; 2 s is far longer. */
const patienceMs = 2000

/** @throws AGENT_RUNNING */
export async function takeAgentLock(folder: string): Promise<ProcessLock> {
  const lock = await waitForLock(pathIn(folder), 'agent', patienceMs)
  if (lock !== null) return lock
  throw new DrError('AGENT_RUNNING', {
    what: `process ${lockHolder(pathIn(folder))?.pid ?? '(unknown)'} is the agent of this system already`,
    untouched: 'Nothing was done by this command; that agent goes on.',
    next: 'Look at it with: genesis-dr status',
  })
}

/** The agent that lives now; null: none does. The lock is tried for an instant. */
export function agentPid(folder: string): number | null {
  if (!existsSync(pathIn(folder))) return null
  const lock = takeProcessLock(pathIn(folder), 'look')
  lock?.release()
  const holder = lock === null ? lockHolder(pathIn(folder)) : null
  // Another one may be looking at this instant.
  return holder?.purpose === 'agent' ? holder.pid : null
}
