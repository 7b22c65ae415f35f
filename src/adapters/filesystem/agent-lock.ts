/** The lock that an agent holds as long as it lives: one for each state folder. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DrError } from '../../errors.ts'
import { lockHolder, type ProcessLock, takeProcessLock } from './process-lock.ts'

const pathIn = (folder: string): string => join(folder, 'agent.lock')

/** @throws AGENT_RUNNING */
export function takeAgentLock(folder: string): ProcessLock {
  const lock = takeProcessLock(pathIn(folder))
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
  const lock = takeProcessLock(pathIn(folder))
  if (lock === null) return lockHolder(pathIn(folder))?.pid ?? null
  lock.release()
  return null
}
