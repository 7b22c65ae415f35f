/** Setting the database aside: proven to be at rest before and after, and put back where that is not so. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { smallSystem } from '../../../test/support/small-runbook.ts'
import { databaseFiles } from '../../adapters/filesystem/database-files.ts'
import { DrError } from '../../errors.ts'
import type { CaptureControl, DrainOutcome } from '../../ports/capture-control.ts'
import type { RunFacts } from '../run-facts.ts'
import type { RunbookPorts, Scope } from '../runbook.ts'
import { isSetAside } from '../set-aside.ts'
import { preserveEvidence } from './preserve-evidence.ts'

let folder = ''
let database = ''
const names = ['bot.db', 'bot.db-shm', 'bot.db-wal']
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'preserve-evidence-'))
  database = join(folder, 'bot.db')
  for (const name of names) writeFileSync(join(folder, name), name)
})
afterEach(() => rmSync(folder, { recursive: true }))

const bot = { pid: 100, command: 'python3 bot.py' }
const drainedAt = (txid: number): DrainOutcome => ({ timeline: '00000001', txid, lastCommitMs: 0, complete: true, because: 'drained' })
const aside = (): string => join(folder, 'evidence', 'run-1')

interface Situation {
  /** The look, counted from 1, from which on a bot is seen. */
  readonly seenFrom?: number
  readonly captured?: boolean
  /** Where the capture, or the file at rest, stands when it is drained here. */
  readonly txid?: number
  readonly drainedBefore?: number | null
  readonly freeBytes?: number
  /** Done at that look. */
  readonly at?: Readonly<Record<number, () => void>>
}

function preserve({ seenFrom = 99, captured = true, txid = 7, drainedBefore = 7, freeBytes = 1e9, at = {} }: Situation = {}) {
  const told: string[] = []
  let looks = 0
  const control = {
    drain: async () => {
      told.push(`drain ${existsSync(database) ? 'in place' : 'set aside'}`)
      return drainedAt(txid)
    },
    letGo: async () => {
      told.push('let go')
    },
  } as CaptureControl
  const { world } = smallSystem()
  const ports: RunbookPorts = {
    ...world.ports,
    clock: world.journal.clock,
    files: databaseFiles,
    outputs: { ...world.ports.outputs, freeBytes: () => freeBytes },
    openFiles: {
      logsBeside: async () => [],
      holders: async () => {
        looks++
        at[looks]?.()
        return { processes: looks >= seenFrom ? [bot] : [], complete: true, because: 'all were looked into' }
      },
    },
    capture: {
      reach: async () => ({ pid: captured ? 200 : null, control }),
      knownFile: async () => null,
      timelineOf: async () => null,
      older: async () => [],
      otherReplica: async () => null,
    },
  }
  const facts: Partial<RunFacts> = drainedBefore === null ? {} : { drained: drainedAt(drainedBefore) }
  const scope: Scope = {
    runId: 'run-1',
    scenario: 'DATABASE_CORRUPTION',
    mode: 'live',
    settings: { ...world.settings('run-1'), database, evidenceFolder: aside() },
    facts,
    interrupted: false,
    runs: ['run-1'],
    progress: () => {},
  }
  return { told, ports, scope, act: () => preserveEvidence.act(ports, scope) }
}

const inPlace = (): readonly string[] => readdirSync(folder).filter((name) => name.startsWith('bot.db'))

describe('setting the database aside', () => {
  it('nobody has it open -> it is renamed, the capture is drained on the renamed files, then let go', async () => {
    const { told, ports, scope, act } = preserve()
    expect(await isSetAside(ports, scope)).toBe(false)
    expect(await act()).toMatchObject({ outcome: 'done', evidence: { evidence: { files: names } } })
    expect(told).toEqual(['drain set aside', 'let go'])
    expect(await isSetAside(ports, scope)).toBe(true)
    expect(inPlace()).toEqual([])
  })

  it('a bot was started since it was stopped -> DATABASE_IN_USE that names it, and nothing is moved', async () => {
    const { told, act } = preserve({ seenFrom: 1 })
    await expect(act()).rejects.toMatchObject({ code: 'DATABASE_IN_USE', message: expect.stringContaining('process 100 (python3 bot.py)') })
    expect([told, inPlace(), existsSync(aside())]).toEqual([[], names, false])
  })

  it('a bot opened it at the moment of the rename -> it is put back, as the same files, and the capture goes on', async () => {
    const inode = statSync(database).ino
    const { told, act } = preserve({ seenFrom: 2 })
    await expect(act()).rejects.toMatchObject({
      code: 'DATABASE_IN_USE',
      untouched: `The database is at ${database}, where it was, with all that was committed to it; nothing was restored.`,
    })
    expect([told, inPlace(), readdirSync(aside()), statSync(database).ino]).toEqual([[], names, [], inode])
    expect(names.map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(names)
  })

  it('it was committed to after it was drained, by somebody who closed it again -> it is put back', async () => {
    const { told, act } = preserve({ txid: 9 })
    await expect(act()).rejects.toMatchObject({
      code: 'DATABASE_IN_USE',
      message: expect.stringMatching(/from 0000000000000007 of timeline 00000001 to 0000000000000009 of 00000001$/),
    })
    expect([told, inPlace()]).toEqual([['drain set aside'], names])
  })

  it('it has to be put back, and a bot made another one at its path meanwhile -> said where the database is, and neither is touched', async () => {
    const { act } = preserve({ seenFrom: 2, at: { 2: () => writeFileSync(database, 'a new one') } })
    await expect(act()).rejects.toMatchObject({ untouched: expect.stringContaining(`the database as it was is in ${aside()}`) })
    expect([readFileSync(database, 'utf8'), readFileSync(join(aside(), 'bot.db'), 'utf8')]).toEqual(['a new one', 'bot.db'])
  })

  it('there is no room for a restored one -> DISK_FULL before anything is moved', async () => {
    const { told, act } = preserve({ freeBytes: 5 })
    await expect(act()).rejects.toMatchObject({ code: 'DISK_FULL', untouched: expect.stringContaining('in its place') })
    expect([told, inPlace()]).toEqual([[], names])
  })

  it('what is done is kept beside the database first, and not when it was put back', async () => {
    const good = preserve()
    await good.act()
    expect(await good.ports.unfinished.read()).toMatchObject({ runId: 'run-1', evidence: [aside()], restored: null, lostTransactions: 0 })
    rmSync(aside(), { recursive: true })
    for (const name of names) writeFileSync(join(folder, name), name)
    const { ports, act } = preserve({ seenFrom: 2 })
    await expect(act()).rejects.toMatchObject({ code: 'DATABASE_IN_USE' })
    expect(await ports.unfinished.read()).toBeNull()
  })

  it('an earlier run has set the database aside, and failed -> said where it is, and its owner is kept for the restored one', async () => {
    for (const name of names) rmSync(join(folder, name))
    const { ports, scope } = preserve()
    const owner = { uid: 1000, gid: 1001, mode: 0o664 }
    const before = { runId: 'run-0', evidence: ['/evidence/run-0'], owner, restored: null, lostTransactions: 0, dataLossMs: 0 }
    const capture = { ...ports.capture, knownFile: async () => ({ device: 1, inode: 1 }) }
    expect(await preserveEvidence.act({ ...ports, capture }, { ...scope, facts: { before } })).toMatchObject({
      because: 'there was no database to set aside; what stood there before is in /evidence/run-0',
      evidence: { evidence: { owner } },
    })
  })

  it('the manifest cannot be written -> the rest is done, and that is not proven', async () => {
    const { ports, scope } = preserve()
    const full = () => Promise.reject(new DrError('DISK_FULL', { what: 'no space is left there', untouched: '', next: '' }))
    expect(await preserveEvidence.act({ ...ports, files: { ...ports.files, writeNew: full } }, scope)).toMatchObject({
      outcome: 'done',
      because: expect.stringContaining('without a manifest of the hashes (no space is left there)'),
      notProven: ['the hashes of what was set aside'],
    })
  })

  it('it has to be put back, and cannot be -> said where the database is, with why', async () => {
    const { ports, scope } = preserve({ seenFrom: 2 })
    const refused = new DrError('IO_FAILED', { what: 'the folder is read-only now', untouched: '', next: '' })
    const files = { ...ports.files, putBack: () => Promise.reject(refused) }
    await expect(preserveEvidence.act({ ...ports, files }, scope)).rejects.toMatchObject({
      code: 'DATABASE_IN_USE',
      untouched: expect.stringMatching(`as it was is in ${aside()}.* was not put back \\(the folder is read-only now\\)`),
    })
    expect(readFileSync(join(aside(), 'bot.db'), 'utf8')).toBe('bot.db')
  })

  it('it stops in the middle of the rename -> what was moved is put back', async () => {
    const { ports, scope } = preserve()
    const half = async (path: string, to: string): Promise<readonly string[]> => {
      mkdirSync(to, { recursive: true })
      renameSync(path, join(to, 'bot.db'))
      throw new DrError('IO_FAILED', { what: 'the disk gave up', untouched: '', next: '' })
    }
    await expect(preserveEvidence.act({ ...ports, files: { ...ports.files, setAside: half } }, scope)).rejects.toMatchObject({
      code: 'IO_FAILED',
      untouched: expect.stringContaining(`The database is at ${database}, where it was`),
    })
    expect(inPlace()).toEqual(names)
  })

  it('what was not complete at the first drain is at the second one -> that one counts, and nobody is suspected', async () => {
    const { ports, scope } = preserve({ txid: 9 })
    const before = { ...drainedAt(7), complete: false }
    expect(await preserveEvidence.act(ports, { ...scope, facts: { drained: before } })).toMatchObject({
      outcome: 'done',
      evidence: { drained: { txid: 9, complete: true } },
    })
  })

  it('no capture runs -> the log is read once more in its place, before the rename', async () => {
    const good = preserve({ captured: false })
    expect(await good.act()).toMatchObject({ outcome: 'done' })
    expect(good.told).toEqual(['drain in place', 'let go'])
  })

  it('no capture runs, and the log has grown -> nothing is moved', async () => {
    const { act } = preserve({ captured: false, txid: 8 })
    await expect(act()).rejects.toMatchObject({ code: 'DATABASE_IN_USE' })
    expect(inPlace()).toEqual(names)
  })

  it('it died after the rename, and is gone on with while nobody has it open -> the rest is done', async () => {
    await databaseFiles.setAside(database, aside())
    const { told, act } = preserve({ captured: false })
    expect(await act()).toMatchObject({ outcome: 'done', evidence: { evidence: { files: names } } })
    expect(told).toEqual(['let go'])
  })
})
