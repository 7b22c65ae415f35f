/**
 * A bot whose SQLite (3.40 does it, 3.53 does not) commits with frames that no recovery finds, after a savepoint that was larger than its page
 * cache was rolled back: the bot and everybody beside it see the commit, a crash of the machine loses it. We cannot verify such frames, so
 * that we do not copy them: that must be said, and end when the log has begun anew.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { captureClient } from '../../src/adapters/control/client.ts'
import { describeWith, python } from '../needs.ts'
import { clear, end, makeSystem, query, repository, restoreNewest, startCapture, type TestSystem } from '../support/system.ts'

vi.setConfig({ testTimeout: 60_000 })

let system: TestSystem
beforeEach(() => {
  system = makeSystem()
})
afterEach(() => clear(system))

/** Resolves with what the bot answers to a line. */
async function startBot(): Promise<(line: string) => Promise<unknown>> {
  const child = spawn('python3', [join(repository, 'test/writers/unchained.py'), system.database], { stdio: 'pipe' })
  system.children.add(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => (await lines.next()).value ?? '"it has ended"'
  await next()
  return async (line) => {
    child.stdin.write(`${line}\n`)
    return JSON.parse(await next())
  }
}

describeWith([python], 'a bot whose SQLite commits with frames that do not follow each other', () => {
  it('-> nothing is called complete, what is restored is from before; when the file has all of the log, a new start copies everything', async () => {
    const client = captureClient(system.settings.captureFolder)
    const ask = await startBot()
    const first = await startCapture(system)
    const { chained } = Object(await ask('unchained'))
    console.log(`python's SQLite ${chained ? 'does not do it' : 'does it'}`)
    await ask('UPDATE n SET n = 5')
    expect(await client.drain()).toMatchObject({ complete: chained })
    expect(await client.position()).toMatchObject({ continuous: chained })
    const { path } = await restoreNewest(system, 'restored.db')
    expect(query(path, 'SELECT n FROM n')).toEqual({ n: chained ? 5 : 0 })
    await end(system, first.process, 'SIGTERM')

    expect(await ask('PRAGMA wal_checkpoint(TRUNCATE)')).toEqual([[0, 0, 0]])
    const second = await startCapture(system)
    expect(second.errors()).toBe('')
    await ask('UPDATE n SET n = 6')
    expect(await client.drain()).toMatchObject({ complete: true })
    expect(query((await restoreNewest(system, 'last.db')).path, 'SELECT n FROM n')).toEqual({ n: 6 })
  })
})
