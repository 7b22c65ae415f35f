/** "Database integrity check failures". */
import { probe } from '../runbook.ts'

export const integrityCheckFails = probe({
  name: 'integrity-check-fails',
  title: 'Database integrity check failures',
  asks: 'SQLite to check the structure of the live database (quick_check).',
  needs: ['checks', 'files'],
  async look({ checks, files }, { database }) {
    if ((await files.stat(database)) === null) return { found: true, because: `there is no file at ${database}` }
    const problems = await checks.integrity(database, 'quick', 'shared')
    return problems.length === 0
      ? { found: false, because: 'quick_check says ok' }
      : { found: true, because: problems.slice(0, 3).join('; ') }
  },
})
