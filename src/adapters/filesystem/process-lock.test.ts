/** A lock ends with its process, however that dies, and says who took it last. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { children } from '../../../test/hosts/children.ts'
import { describeHolder, lockHolder, takeProcessLock } from './process-lock.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'process-lock-'))
  path = join(folder, 'state', 'runs.lock')
})
afterEach(() => rmSync(folder, { recursive: true }))

const module = new URL('./process-lock.ts', import.meta.url).href

describe('a lock of a process', () => {
  const start = children()
  const takeElsewhere = (): ReturnType<typeof start> => {
    const program = `const { takeProcessLock } = await import(${JSON.stringify(module)})
      const lock = takeProcessLock(${JSON.stringify(path)}, 'recovery')
      console.log(lock === null ? 'refused' : 'held')
      if (lock !== null) setInterval(() => lock, 1e6)`
    return start(process.execPath, ['--input-type=module', '-e', program])
  }

  it('nobody ever took it -> no holder is known; it is taken -> ours, by our process id', () => {
    expect(lockHolder(path)).toBeNull()
    const lock = takeProcessLock(path, 'recovery')
    expect(lock).not.toBeNull()
    expect(lockHolder(path)).toEqual({ pid: process.pid, purpose: 'recovery' })
    lock?.release()
  })

  it('this process holds it -> it is not given a second time, and the first stays held', async () => {
    const lock = takeProcessLock(path, 'recovery')
    expect(takeProcessLock(path, 'recovery')).toBeNull()
    expect(takeProcessLock(path, 'recovery')).toBeNull()
    expect(await takeElsewhere().line(/refused|held/)).toBe('refused')
    lock?.release()
    const again = takeProcessLock(path, 'recovery')
    expect(again).not.toBeNull()
    again?.release()
  })

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'another process holds it and ends by %s -> its pid is known, then it is free',
    async (signal) => {
      const holder = takeElsewhere()
      expect(await holder.line(/refused|held/)).toBe('held')
      expect(takeProcessLock(path, 'recovery')).toBeNull()
      expect(lockHolder(path)).toEqual({ pid: holder.pid, purpose: 'recovery' })
      await holder.end(signal)
      const lock = takeProcessLock(path, 'recovery')
      expect(lock).not.toBeNull()
      expect(lockHolder(path)).toEqual({ pid: process.pid, purpose: 'recovery' })
      lock?.release()
    },
  )

  it('no space is left where the holder is noted -> DISK_FULL, and it is not held', () => {
    takeProcessLock(path, 'recovery')?.release()
    rmSync(`${path}.pid`)
    symlinkSync('/dev/full', `${path}.pid`)
    expect(() => takeProcessLock(path, 'recovery')).toThrow(expect.objectContaining({ code: 'DISK_FULL' }))
    rmSync(`${path}.pid`)
    const lock = takeProcessLock(path, 'recovery')
    expect(lock).not.toBeNull()
    lock?.release()
  })

  it('it is taken to capture, by an older version, or by nobody that is known -> said so', () => {
    takeProcessLock(path, 'capture')?.release()
    expect(lockHolder(path)).toEqual({ pid: process.pid, purpose: 'capture' })
    expect(describeHolder(lockHolder(path))).toBe(`process ${process.pid} captures this database already`)
    expect(describeHolder({ pid: 7, purpose: 'recovery' })).toBe('process 7 is recovering or validating this database')
    writeFileSync(`${path}.pid`, '7\n')
    expect(lockHolder(path)).toEqual({ pid: 7, purpose: null })
    expect(describeHolder(null)).toContain('process (unknown)')
  })

  it('what is written beside the lock is no number -> nobody is named', () => {
    takeProcessLock(path, 'recovery')?.release()
    writeFileSync(`${path}.pid`, 'somebody\n')
    expect(lockHolder(path)).toBeNull()
  })
})
