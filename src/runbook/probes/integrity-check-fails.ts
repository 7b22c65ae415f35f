/** "Database integrity check failures". */
import { lookAccess, untouchable } from '../look-access.ts'
import { probe } from '../runbook.ts'

export const integrityCheckFails = probe({
  name: 'integrity-check-fails',
  title: 'Database integrity check failures',
  asks: 'SQLite to check the structure of the live database (quick_check).',
  needs: ['checks', 'files', 'openFiles', 'capture'],
  async look({ checks, ...ports }, { database }) {
    if ((await ports.files.stat(database)) === null) return { found: true, because: `there is no file at ${database}` }
    const access = await lookAccess(ports, database)
    if (access === null) return untouchable
    const problems = await checks.integrity(database, 'quick', access)
    return problems.length === 0
      ? { found: false, because: 'quick_check says ok' }
      : { found: true, because: problems.slice(0, 3).join('; ') }
  },
})
