/** Which versions of SQLite have the WAL-reset bug. */
import { expect, it } from 'vitest'
import { hasWalResetBug } from './wal-reset-bug.ts'

it.each(['3.7.0', '3.40.1', '3.44.5', '3.45.0', '3.49.2', '3.50.6', '3.51.0', '3.51.2'])('%s -> has it', (version) => {
  expect(hasWalResetBug(version)).toBe(true)
})

it.each(['3.6.23', '3.44.6', '3.44.7', '3.50.7', '3.51.3', '3.53.0', '3.53.4', '4.0.0'])('%s -> has not', (version) => {
  expect(hasWalResetBug(version)).toBe(false)
})
