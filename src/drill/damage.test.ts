import { describe, expect, it } from 'vitest'
import { isDrError } from '../errors.ts'
import { damageKinds, type FileFacts, isDamageKind, planDamage } from './damage.ts'
import { seededRandom } from './seeded-random.ts'

const facts: FileFacts = {
  path: 'trades.db',
  pageSize: 4096,
  sizeBytes: 9 * 4096,
  interior: [{ number: 5, of: 'table', children: [6, 7] }],
  inWal: new Set(),
  readPage: () => new Uint8Array(4096),
}

describe('what a kind of damage does to a file', () => {
  it('header -> noise over the first 100 bytes, which cannot pass for a database', () => {
    const plan = planDamage('header', facts, seededRandom(1))
    expect(plan).toMatchObject({ do: 'overwrite', page: 1, offset: 0 })
    expect(plan.do === 'overwrite' && [plan.noise.length, plan.noise[0]]).toEqual([100, 0xff])
  })

  it('interior-page -> noise over that whole page', () => {
    const plan = planDamage('interior-page', facts, seededRandom(1))
    expect(plan).toMatchObject({ do: 'overwrite', page: 5, offset: 4 * 4096 })
    expect(plan.do === 'overwrite' && plan.noise.length).toBe(4096)
  })

  it('truncated-file -> half the pages, whole ones', () => {
    expect(planDamage('truncated-file', facts, seededRandom(1))).toEqual({ do: 'truncate', sizeBytes: 4 * 4096 })
  })

  it('the same seed -> the same noise, and another seed another', () => {
    expect(planDamage('header', facts, seededRandom(1))).toEqual(planDamage('header', facts, seededRandom(1)))
    expect(planDamage('header', facts, seededRandom(1))).not.toEqual(planDamage('header', facts, seededRandom(2)))
  })

  it.each<[Parameters<typeof planDamage>[0], FileFacts]>([
    ['interior-page', { ...facts, interior: [] }],
    ['interior-page', { ...facts, inWal: new Set([5]) }],
    ['truncated-file', { ...facts, sizeBytes: 4096 }],
  ])('%s, and the database is too small for it -> the drill says so', (kind, small) => {
    expect(() => planDamage(kind, small, seededRandom(1))).toThrow(/has no page to hit/)
    try {
      planDamage(kind, small, seededRandom(1))
    } catch (error) {
      expect(isDrError(error, 'DRILL_FAILED')).toBe(true)
    }
  })

  it('a word from the command line -> a kind only if it is one', () => {
    expect(Object.keys(damageKinds).every(isDamageKind)).toBe(true)
    expect(['toString', 'Header', ''].some(isDamageKind)).toBe(false)
  })
})
