/** "Unexpected query errors". */
import { isDrError } from '../../errors.ts'
import { type BotWords, botWords } from '../bot-words.ts'
import { lookAccess, untouchable } from '../look-access.ts'
import { probe } from '../runbook.ts'

export const queriesFail = probe({
  name: 'queries-fail',
  title: 'Unexpected query errors',
  asks: "a count of every table, and the bot's own log for words that mean damage.",
  needs: ['checks', 'service', 'files', 'openFiles', 'capture'],
  async look({ checks, service, ...ports }, settings) {
    const { damage, troubles, untold } = service === null ? silent : await botWords(service, settings)
    const besides = troubles.length === 0 ? {} : { troubles }
    if (damage !== null) return { found: true, because: `the bot says: ${damage}`, ...besides }
    try {
      const access = await lookAccess(ports, settings.database)
      if (access === null) return { ...untouchable, ...besides }
      const counts = await checks.rowCounts(settings.database, access)
      const readable = `${Object.keys(counts).length} tables can be read`
      return { found: false, because: untold === null ? readable : `${readable}; ${untold}`, ...besides }
    } catch (error) {
      if (!isDrError(error)) throw error
      return { found: error.kind === 'damaged' ? true : null, because: error.message, ...besides }
    }
  },
})

const silent: BotWords = { damage: null, troubles: [], untold: null }
