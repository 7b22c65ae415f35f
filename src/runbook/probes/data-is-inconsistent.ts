/** "Data inconsistencies detected". */
import { runUserChecks } from '../check-database.ts'
import { probe } from '../runbook.ts'

export const dataIsInconsistent = probe({
  name: 'data-is-inconsistent',
  title: 'Data inconsistencies detected',
  asks: 'the capture whether log and files are what they were, and your own checks.',
  needs: ['checks', 'capture'],
  async look({ checks, capture }, { database, checks: own }) {
    const { pid, control } = await capture.reach()
    if (pid !== null) {
      const position = await control.position()
      if (position.damage !== null) return { found: true, because: position.damage }
      if (position.moved.includes('wal')) return { found: true, because: 'the log of the database was deleted while it was in use' }
    }
    for await (const { check, outcome, observed, expected, error } of runUserChecks(checks, database, 'shared', own)) {
      if (outcome === 'pass') continue
      if (error !== null) return { found: error.kind === 'damaged' ? true : null, because: `${check}: ${observed}` }
      return { found: true, because: `${check}: ${observed} instead of ${expected}` }
    }
    return { found: false, because: `${own.length} of ${own.length} checks hold${pid === null ? '; no capture runs to ask' : ''}` }
  },
})
