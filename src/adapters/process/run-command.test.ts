import { describe, expect, it } from 'vitest'
import { runCommand } from './run-command.ts'

describe('a program run to its end', () => {
  it('it ends -> its status and what it said', async () => {
    expect(await runCommand('sh', ['-c', 'echo out; echo err >&2; exit 3'], 5000)).toEqual({ status: 3, stdout: 'out\n', stderr: 'err\n' })
  })

  it('it is not installed -> no status, and that is the reason', async () => {
    expect(await runCommand('no-such-program', [], 5000)).toEqual({ status: null, stdout: '', stderr: 'there is no no-such-program here' })
  })

  it('it hangs, and so does what it started -> no status, soon after the time it was given', async () => {
    const from = performance.now()
    const outcome = await runCommand('sh', ['-c', 'echo begun; sleep 3; true'], 200)
    expect(outcome).toEqual({ status: null, stdout: 'begun\n', stderr: 'sh took longer than 200 ms' })
    expect(performance.now() - from).toBeLessThan(2000)
  })

  it('it is killed -> no status, and the signal is the reason', async () => {
    expect(await runCommand('sh', ['-c', 'kill -9 $$'], 5000)).toMatchObject({ status: null, stderr: 'sh was ended by SIGKILL' })
  })

  it('it asks for input -> there is none', async () => {
    expect(await runCommand('sh', ['-c', 'read answer || echo nobody'], 5000)).toMatchObject({ status: 0, stdout: 'nobody\n' })
  })
})
