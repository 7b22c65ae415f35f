/** "Unexpected query errors". */
import { isDrError } from '../../errors.ts'
import { lineOfDamage } from '../line-of-damage.ts'
import { lookAccess, untouchable } from '../look-access.ts'
import { probe } from '../runbook.ts'

export const queriesFail = probe({
  name: 'queries-fail',
  title: 'Unexpected query errors',
  asks: "a count of every table, and the bot's own log for words that mean damage.",
  needs: ['checks', 'service', 'files', 'openFiles', 'capture'],
  async look({ checks, service, ...ports }, settings) {
    const line = service === null ? null : await lineOfDamage(service, settings)
    if (line !== null) return { found: true, because: `the bot says: ${line}` }
    try {
      const access = await lookAccess(ports, settings.database)
      if (access === null) return untouchable
      const counts = await checks.rowCounts(settings.database, access)
      return { found: false, because: `${Object.keys(counts).length} tables can be read` }
    } catch (error) {
      if (!isDrError(error)) throw error
      return error.kind === 'damaged' ? { found: true, because: error.message } : { found: null, because: error.message }
    }
  },
})
