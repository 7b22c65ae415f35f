/** The checks that a restored database must pass. */
import type { UserCheck } from '../config.ts'
import { DrError, isDrError, sentenceOf } from '../errors.ts'
import type { DatabaseChecks, FileAccess } from '../ports/database-checks.ts'
import { type CheckResult, compared, notConfigured, passed } from './check-result.ts'
import type { RunSettings } from './runbook.ts'

export async function checkDatabase(
  checks: DatabaseChecks,
  path: string,
  access: FileAccess,
  settings: Pick<RunSettings, 'integrity' | 'checks'>,
): Promise<readonly CheckResult[]> {
  const sound = await checkIntegrity(checks, path, access, settings.integrity)
  if (sound.outcome === 'fail') return [sound]
  const results = [sound, await testQueries(checks, path, access)]
  for await (const { error: _, ...result } of runUserChecks(checks, path, access, settings.checks)) results.push(result)
  return results
}

async function checkIntegrity(
  checks: DatabaseChecks,
  path: string,
  access: FileAccess,
  depth: RunSettings['integrity'],
): Promise<CheckResult> {
  const check = depth === 'full' ? 'database integrity (integrity_check)' : 'database integrity (quick_check)'
  try {
    const problems = await checks.integrity(path, depth, access)
    return compared(check, problems.length === 0 ? 'ok' : problems.slice(0, 3).join('; '), 'ok')
  } catch (error) {
    if (isDrError(error, 'SQLITE_LACKS')) return notConfigured(check, error.message)
    throw error
  }
}

/** The user's own checks, one after the other. `error`: why one could not be asked, which is no pass; null when it was. */
export async function* runUserChecks(
  checks: Pick<DatabaseChecks, 'queryValue'>,
  path: string,
  access: FileAccess,
  own: readonly UserCheck[],
): AsyncGenerator<CheckResult & { readonly error: DrError | null }> {
  for (const { name, sql, equals } of own) {
    const expected = String(equals)
    try {
      yield { ...compared(name, String(await checks.queryValue(path, sql, access)), expected), error: null }
    } catch (error) {
      const known = isDrError(error) ? error : checkFailed(error)
      yield { check: name, outcome: 'fail', observed: known.message, expected, error: known }
    }
  }
}

/** The statement is the user's: whatever it makes anything throw is about it, and no bug that may stop a recovery. */
function checkFailed(cause: unknown): DrError {
  return new DrError('CHECK_FAILED', {
    what: `the check could not be asked: ${sentenceOf(cause)}`,
    untouched: 'The database was not changed by us.',
    next: 'Correct the statement under "checks" in the configuration.',
    cause,
  })
}

async function testQueries(checks: DatabaseChecks, path: string, access: FileAccess): Promise<CheckResult> {
  const check = 'test queries (every table read)'
  try {
    const counts = Object.entries(await checks.rowCounts(path, access))
    return passed(check, counts.map(([table, rows]) => `${table} ${rows}`).join(', ') || 'no tables', 'every table can be read')
  } catch (error) {
    if (!isDrError(error)) throw error
    if (error.code === 'SQLITE_LACKS') return notConfigured(check, error.message)
    return { check, outcome: 'fail', observed: error.message, expected: 'every table can be read' }
  }
}
