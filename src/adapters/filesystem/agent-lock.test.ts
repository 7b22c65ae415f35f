/** One agent for each state folder, whoever looks at that moment. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentPid, takeAgentLock } from './agent-lock.ts'
import { takeProcessLock } from './process-lock.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'agent-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const lookedAt = () => takeProcessLock(join(folder, 'agent.lock'), 'look')

describe('the lock of an agent', () => {
  it('there never was one, one lives, it has ended -> its pid is known while it lives', async () => {
    expect(agentPid(folder)).toBeNull()
    const lock = await takeAgentLock(folder)
    expect(agentPid(folder)).toBe(process.pid)
    lock.release()
    expect(agentPid(folder)).toBeNull()
  })

  it('somebody looks at the instant in which it starts -> it waits for that, and starts', async () => {
    const look = lookedAt()
    const starting = takeAgentLock(folder)
    // Two who look are no agent either.
    expect(agentPid(folder)).toBeNull()
    look?.release()
    const lock = await starting
    expect(lookedAt()).toBeNull()
    lock.release()
  })

  it('another one lives -> AGENT_RUNNING, with its pid', async () => {
    const lock = await takeAgentLock(folder)
    await expect(takeAgentLock(folder)).rejects.toMatchObject({
      code: 'AGENT_RUNNING',
      message: expect.stringContaining(`process ${process.pid} `),
    })
    lock.release()
  })
})
