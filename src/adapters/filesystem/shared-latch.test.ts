/** A latch that whoever comes to the database finds, by whichever configuration. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { journalStoreIn } from './journal-store.ts'
import { sharedLatch, withLockBeside } from './shared-latch.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'genesis-dr-latch-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const beside = (): string => join(folder, 'beside/halt.json')
const of = (name: string) => sharedLatch(join(folder, name, 'halt.json'), beside())
const person = { holder: 'person:ada', reason: 'maintenance', setAtMs: 1 }
const run = { holder: 'run-1', reason: 'DATABASE_CORRUPTION', setAtMs: 2 }

describe('the latch of one database under two configurations', () => {
  it('a person sets it by one -> it stands for the other, whose run does not remove it; a person does', async () => {
    expect(await of('a').set(person)).toEqual(person)
    expect(await of('b').read()).toEqual(person)
    expect(await of('b').set(run)).toEqual(person)
    expect(await of('b').release('run-1', run)).toBe('other')
    expect(await of('b').release('person:eve', person)).toBe('released')
    expect(existsSync(beside())).toBe(false)
  })

  it('a run sets it, and removes it -> neither file stands', async () => {
    await of('a').set(run)
    expect(await of('a').release('run-1', run)).toBe('released')
    expect([await of('a').read(), await of('b').read()]).toEqual([null, null])
    expect(await of('a').release('run-1', run)).toBe('absent')
  })

  it('a run failed while a person held it by the other configuration, who went on -> the next run removes both', async () => {
    await of('a').set(person)
    await of('b').set(run)
    expect(await of('a').release('person:ada', person)).toBe('released')
    const next = { ...run, holder: 'run-2', setAtMs: 3 }
    const standing = await of('b').set(next)
    expect(standing).toEqual(run)
    expect(await of('b').release('run-1', standing)).toBe('released')
    expect([await of('a').read(), await of('b').read()]).toEqual([null, null])
  })

  it('it was set before there was one beside the database, or we died between the two -> it stands', async () => {
    await of('a').set(run)
    rmSync(beside())
    expect(await of('a').read()).toEqual(run)
    await of('a').set(run)
    rmSync(join(folder, 'a/halt.json'))
    expect(await of('a').read()).toEqual(run)
  })

  it('nothing can be written beside the database -> the latch of the state folder stands all the same', async () => {
    writeFileSync(join(folder, 'beside'), 'a file')
    expect(await of('a').set(person)).toMatchObject({
      holder: expect.any(String),
      gap: expect.stringContaining('another configuration of this database does not see the latch'),
    })
    expect(existsSync(join(folder, 'a/halt.json'))).toBe(true)
  })
})

describe('the lock over runs', () => {
  it('of two configurations -> one of them holds it, and the other gets it afterwards', async () => {
    const store = (name: string) => withLockBeside(journalStoreIn(join(folder, name)), join(folder, 'beside/runs.lock'))
    const first = await store('a').lock()
    expect(first).not.toBeNull()
    expect(await store('b').lock()).toBeNull()
    await first?.release()
    const second = await store('b').lock()
    expect(second).not.toBeNull()
    await second?.release()
  })
})
