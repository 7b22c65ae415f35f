/** "Unexpected query errors". */
import { isDrError } from '../../errors.ts'
import { probe } from '../runbook.ts'

export const queriesFail = probe({
  name: 'queries-fail',
  title: 'Unexpected query errors',
  asks: "a count of every table, and the bot's own log for words that mean damage.",
  needs: ['checks', 'service'],
  async look({ checks, service }, { database, logPatterns }) {
    const met = (await service?.recentLog(50))?.findLast((line) => logPatterns.some((pattern) => new RegExp(pattern, 'i').test(line)))
    if (met !== undefined) return { found: true, because: `the bot says: ${met.slice(0, 200)}` }
    try {
      const counts = await checks.rowCounts(database, 'shared')
      return { found: false, because: `${Object.keys(counts).length} tables can be read` }
    } catch (error) {
      if (!isDrError(error)) throw error
      return error.kind === 'damaged' ? { found: true, because: error.message } : { found: null, because: error.message }
    }
  },
})
