/** The user's own invariants on the live database: broken, unreadable and not asked are three answers. */
import { expect, it } from 'vitest'
import { atRest, smallSystem } from '../../../test/support/small-runbook.ts'
import { DrError, type ErrorCode } from '../../errors.ts'
import type { DatabaseChecks } from '../../ports/database-checks.ts'
import { dataIsInconsistent } from './data-is-inconsistent.ts'

const own = ['one', 'two'].map((name) => ({ name, sql: name, equals: 0 }))
const failing =
  (code: ErrorCode): DatabaseChecks['queryValue'] =>
  () =>
    Promise.reject(new DrError(code, { what: 'it could not be read', untouched: 'All.', next: 'Look.' }))

it.each<[string, DatabaseChecks['queryValue'], { readonly found: boolean | null; readonly because: string; readonly committed?: true }]>([
  [
    'hold',
    async () => 0,
    {
      found: false,
      because: 'the pages of the file could not be compared: nothing was captured; 2 of 2 checks hold; no capture runs to ask',
    },
  ],
  ['give another value', async (_, sql) => (sql === 'two' ? 3 : 0), { found: true, because: 'two: 3 instead of 0', committed: true }],
  ['meet damage', failing('DATABASE_DAMAGED'), { found: true, because: 'one: it could not be read' }],
  ['cannot be asked', failing('IO_FAILED'), { found: null, because: 'one: it could not be read' }],
])('the checks %s -> %#', async (_, queryValue, finding) => {
  const checks = { integrity: async () => [], rowCounts: async () => ({}), pageUses: async () => new Map(), queryValue }
  expect(await dataIsInconsistent.look({ ...atRest, checks }, { ...smallSystem().world.settings('run-1'), checks: own })).toEqual(finding)
})
