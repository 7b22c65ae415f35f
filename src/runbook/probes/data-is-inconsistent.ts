/** "Data inconsistencies detected". */
import { isDrError } from '../../errors.ts'
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
    for (const check of own) {
      try {
        const value = await checks.queryValue(database, check.sql, 'shared')
        if (String(value) !== String(check.equals)) return { found: true, because: `${check.name}: ${value} instead of ${check.equals}` }
      } catch (error) {
        if (!isDrError(error)) throw error
        return { found: error.kind === 'damaged' ? true : null, because: `${check.name}: ${error.message}` }
      }
    }
    return { found: false, because: `${own.length} of ${own.length} checks hold${pid === null ? '; no capture runs to ask' : ''}` }
  },
})
