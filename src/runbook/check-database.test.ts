/** The checks of a restored database: the first that fails is said, and one that cannot be made has not passed. */
import { describe, expect, it } from 'vitest'
import { DrError, type ErrorCode } from '../errors.ts'
import type { DatabaseChecks } from '../ports/database-checks.ts'
import { checkDatabase } from './check-database.ts'
import { failures, unproven } from './check-result.ts'

const sound: DatabaseChecks = {
  integrity: async () => [],
  queryValue: async () => 0,
  rowCounts: async () => ({ orders: 12, positions: 3 }),
  pageUses: async () => new Map(),
}
const orphans = { name: 'no orphans', sql: 'SELECT count(*) FROM orders', equals: 0 }
const failing = (code: ErrorCode) => (): Promise<never> =>
  Promise.reject(new DrError(code, { what: 'SQLite could not read: malformed', untouched: 'All.', next: 'Look.' }))
const check = (over: Partial<DatabaseChecks>, checks = [orphans], integrity: 'quick' | 'full' = 'quick') =>
  checkDatabase({ ...sound, ...over }, 'bot.db', 'alone', { integrity, checks })

describe('a database that was restored', () => {
  it('it is sound -> every check passes, with what was seen', async () => {
    expect(await check({})).toEqual([
      { check: 'database integrity (quick_check)', outcome: 'pass', observed: 'ok', expected: 'ok' },
      {
        check: 'test queries (every table read)',
        outcome: 'pass',
        observed: 'orders 12, positions 3',
        expected: 'every table can be read',
      },
      { check: 'no orphans', outcome: 'pass', observed: '0', expected: '0' },
    ])
  })

  it('its structure is broken -> that is said, shortened, and nothing else is asked of it', async () => {
    const problems = ['row 1 missing', 'row 2 missing', 'row 3 missing', 'row 4 missing']
    expect(await check({ integrity: async () => problems, rowCounts: failing('DATABASE_DAMAGED') }, [orphans], 'full')).toEqual([
      {
        check: 'database integrity (integrity_check)',
        outcome: 'fail',
        observed: 'row 1 missing; row 2 missing; row 3 missing',
        expected: 'ok',
      },
    ])
  })

  it('a table cannot be read -> that check fails, and the others are made all the same', async () => {
    const results = await check({ rowCounts: failing('DATABASE_DAMAGED') })
    expect(results.map(({ check: name, outcome }) => [name, outcome])).toEqual([
      ['database integrity (quick_check)', 'pass'],
      ['test queries (every table read)', 'fail'],
      ['no orphans', 'pass'],
    ])
    expect(results[1]?.observed).toBe('SQLite could not read: malformed')
  })

  it('SQLite here lacks what the database needs -> that is no damage and no pass, and the others are made all the same', async () => {
    const results = await check({ integrity: failing('SQLITE_LACKS'), rowCounts: failing('SQLITE_LACKS') })
    expect(results.map(({ outcome }) => outcome)).toEqual(['not-configured', 'not-configured', 'pass'])
    expect([failures(results), unproven(results)]).toEqual([
      '',
      [
        'database integrity (quick_check): SQLite could not read: malformed',
        'test queries (every table read): SQLite could not read: malformed',
      ],
    ])
  })

  it('a check of the user has another value, no row, or a statement that fails -> it has not passed', async () => {
    const outcome = async (queryValue: DatabaseChecks['queryValue']) => (await check({ queryValue }))[2]
    expect(await outcome(async () => 3)).toMatchObject({ outcome: 'fail', observed: '3', expected: '0' })
    expect(await outcome(async () => null)).toMatchObject({ outcome: 'fail', observed: 'null' })
    expect(await outcome(failing('DATABASE_DAMAGED'))).toMatchObject({ outcome: 'fail', observed: 'SQLite could not read: malformed' })
    const thrown = await outcome(() => Promise.reject(new RangeError('too large')))
    expect(thrown).toMatchObject({ outcome: 'fail', observed: 'the check could not be asked: too large', expected: '0' })
  })

  it('a check says what is expected as text -> compared as text', async () => {
    const check = { name: 'journal mode', sql: 'PRAGMA journal_mode', equals: 'wal' }
    const results = await checkDatabase({ ...sound, queryValue: async () => 'wal' }, 'bot.db', 'shared', {
      integrity: 'quick',
      checks: [check],
    })
    expect(results.at(-1)).toEqual({ check: 'journal mode', outcome: 'pass', observed: 'wal', expected: 'wal' })
  })

  it('it has no table at all -> it can be read, and that is seen', async () => {
    expect((await check({ rowCounts: async () => ({}), pageUses: async () => new Map() }))[1]).toMatchObject({
      outcome: 'pass',
      observed: 'no tables',
    })
  })

  it('something that is no error of ours is thrown -> it is a bug, not a result', async () => {
    await expect(check({ rowCounts: () => Promise.reject(new TypeError('x is undefined')) })).rejects.toThrow('x is undefined')
  })
})
