/** Who captures now: nobody only where the lock says so. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { captureLockPath } from './adapters/filesystem/capture-lock.ts'
import { openFolderStore } from './adapters/filesystem/object-store.ts'
import { type ProcessLock, takeProcessLock } from './adapters/filesystem/process-lock.ts'
import { captureAccess } from './capture-access.ts'
import { isDrError } from './errors.ts'

let folder = ''
let held: ProcessLock | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'capture-access-'))
})
afterEach(() => {
  held?.release()
  held = null
  rmSync(folder, { recursive: true })
})

const access = async (use: 'act' | 'look') =>
  captureAccess(join(folder, 'bot.db'), folder, await openFolderStore('file:replica', join(folder, 'replica')), use)
const lock = (): ProcessLock | null => takeProcessLock(captureLockPath(folder), 'recovery')

describe('reaching the capture', () => {
  it('nobody holds the lock, and we act -> nobody captures, and the lock is ours until we close', async () => {
    const acting = await access('act')
    expect((await acting.reach()).pid).toBeNull()
    expect(lock()).toBeNull()
    expect((await acting.reach()).pid).toBeNull()
    acting.close()
    held = lock()
    expect(held).not.toBeNull()
  })

  it('nobody holds the lock, and we look -> nobody captures, and the lock is free', async () => {
    lock()?.release()
    expect((await (await access('look')).reach()).pid).toBeNull()
    held = lock()
    expect(held).not.toBeNull()
  })

  it('somebody holds it and listens on no socket -> that process captures, whether it answers or not', async () => {
    held = lock()
    expect((await (await access('act')).reach()).pid).toBe(process.pid)
  })

  it('somebody holds it who did not write down who -> not taken for nobody', async () => {
    held = lock()
    rmSync(`${captureLockPath(folder)}.pid`)
    const answer = await (await access('act')).reach().catch((error: unknown) => error)
    expect(isDrError(answer, 'CAPTURE_SILENT')).toBe(true)
  })
})
