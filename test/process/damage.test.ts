import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDamageTarget } from '../../src/adapters/filesystem/damage.ts'
import { nodeClock } from '../../src/adapters/node/clock.ts'
import { type DamageKind, damageKindNames, damageKinds } from '../../src/drill/damage.ts'
import { holdDamage, inflictDamage } from '../../src/drill/inflict.ts'
import { seededRandom } from '../../src/drill/seeded-random.ts'
import { decodeWitness } from '../../src/drill/witness.ts'
import { isDrError, sentenceOf } from '../../src/errors.ts'
import type { DamageTarget } from '../../src/ports/damage-target.ts'
import type { Random } from '../../src/ports/random.ts'
import { type Child, children } from '../hosts/children.ts'

vi.setConfig({ testTimeout: 60_000 })
const program = fileURLToPath(new URL('../../src/entries/drill-bot.ts', import.meta.url))

let folder = ''
let db = ''
let target: DamageTarget | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'damage-'))
  db = join(folder, 'trades.db')
})
afterEach(() => {
  target?.close()
  target = null
  rmSync(folder, { recursive: true })
})

function integrityOf(path: string): string {
  const database = new DatabaseSync(path)
  try {
    return String(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'])
  } catch (error) {
    return sentenceOf(error)
  } finally {
    database.close()
  }
}

describe('damage under a bot that trades', () => {
  const start = children()
  const witnessFile = (): string => join(folder, 'witness')
  const trading = async (...args: string[]): Promise<Child> => {
    const child = start(process.execPath, [program, '--db', db, '--witness', witnessFile(), ...args])
    await child.line(/ready/)
    await expect.poll(() => decodeWitness(readFileSync(witnessFile(), 'utf8')).commits.length, { timeout: 15_000 }).toBeGreaterThan(20)
    return child
  }
  const damageUntilDeath = async (
    kind: DamageKind,
    child: Child,
    random: Random,
  ): Promise<{ last: string; tookMs: number; again: number }> => {
    target = openDamageTarget(db)
    const damage = await inflictDamage(kind, target, random, nodeClock)
    const dead = new AbortController()
    const held = holdDamage(damage, target, nodeClock, dead.signal)
    const last = await child.line(/DatabaseError/)
    expect(await child.end()).toBe(1)
    dead.abort()
    return { last, tookMs: nodeClock.monotonicMs() - damage.monotonicMs, again: await held }
  }

  const cases = damageKindNames
    .filter((kind) => damageKinds[kind].seenAs !== null)
    .flatMap((kind) => [50, 300, 0].map((rate): [DamageKind, number] => [kind, rate]))
  it.each(cases)('%s at %i transactions a second (0: as many as possible) -> the bot meets it and ends with 1', async (kind, rate) => {
    const child = await trading('--rate', String(rate))
    const { last } = await damageUntilDeath(kind, child, seededRandom(rate))
    expect(last).toContain(damageKinds[kind].seenAs)
    // The header may be whole in the WAL that is left, as the next connection would find.
    if (kind === 'header') expect(readFileSync(db)[0]).toBe(0xff)
    if (kind === 'interior-page' || kind === 'truncated-file') expect(integrityOf(db)).not.toBe('ok')
    if (kind === 'deleted-wal') expect(statSync(`${db}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0)
  })

  it('a bot that trades faster than it reads -> damage to what it read long ago is met all the same', async () => {
    const child = await trading('--rate', '0', '--read-every', '200')
    const acknowledged = (): number => readFileSync(witnessFile(), 'utf8').split('\n').length
    await expect.poll(acknowledged, { timeout: 40_000, interval: 200 }).toBeGreaterThan(30_000)
    // The fullest settled page of a table, the first of those: the beginning of the history.
    const first: Random = { below: () => 0, hex: () => '' }
    const { last } = await damageUntilDeath('interior-page', child, first)
    expect(last).toContain('malformed')
  })

  it.each([512, 65536])('interior-page at a page size of %i -> the bot meets it', async (pageSize) => {
    const child = await trading('--rate', '200', '--page-size', String(pageSize), '--history', pageSize === 512 ? '5000' : '60000')
    const { last } = await damageUntilDeath('interior-page', child, seededRandom(pageSize))
    expect(last).toContain('malformed')
  })

  it('the same seed on the same file -> the same bytes are hit', async () => {
    const child = await trading('--rate', '200')
    await child.end('SIGTERM')
    const before = readFileSync(db)
    const plans = []
    for (let time = 0; time < 2; time++) {
      target = openDamageTarget(db)
      plans.push((await inflictDamage('interior-page', target, seededRandom(5), nodeClock)).plan)
      target.close()
      writeFileSync(db, before)
    }
    expect(plans[0]).toEqual(plans[1])
    target = null
  })

  it('the damaged file is renamed while the damage is held -> the file that is put in its place is not touched', async () => {
    const child = await trading('--rate', '50')
    await child.end('SIGTERM')
    const sound = readFileSync(db)
    target = openDamageTarget(db)
    const damage = await inflictDamage('header', target, seededRandom(1), nodeClock)
    const over = new AbortController()
    const held = holdDamage(damage, target, nodeClock, over.signal)
    renameSync(db, join(folder, 'evidence.db'))
    writeFileSync(db, sound)
    await nodeClock.sleep(50)
    over.abort()
    await held
    expect(readFileSync(db).equals(sound)).toBe(true)
    expect(readFileSync(join(folder, 'evidence.db'))[0]).toBe(0xff)
  })

  it('there is nothing to damage -> the drill says so, and creates nothing', async () => {
    const failed = (error: unknown): boolean => isDrError(error, 'DRILL_FAILED')
    expect(() => openDamageTarget(db)).toThrow(/cannot be opened/)
    expect(existsSync(db)).toBe(false)
    writeFileSync(db, 'no database at all')
    target = openDamageTarget(db)
    expect(failed(await inflictDamage('header', target, seededRandom(1), nodeClock).catch((error: unknown) => error))).toBe(true)
    target.close()
    const child = await trading('--db', join(folder, 'other.db'))
    await child.end('SIGTERM')
    target = openDamageTarget(join(folder, 'other.db'))
    expect(failed(await inflictDamage('deleted-wal', target, seededRandom(1), nodeClock).catch((error: unknown) => error))).toBe(true)
  })
})
