/** "Application crashes when accessing data". */
import { botWords } from '../bot-words.ts'
import { probe } from '../runbook.ts'

export const botCrashes = probe({
  name: 'bot-crashes',
  title: 'Application crashes when accessing data',
  asks: 'the service manager whether the bot ended by itself with an error, and what it said in that life whether that was damage.',
  needs: ['service'],
  async look({ service }, settings) {
    if (service === null) return { found: null, because: 'no service is configured', notConfigured: true }
    const { running, because, exitStatus, restarts = 0 } = await service.state()
    if (running === 'unknown') return { found: null, because }
    // A manager that is about to start it again, or has, says that it runs.
    const crashes = running === 'no' || exitStatus !== null || restarts > 0
    if (!crashes) return { found: false, because }
    const { damage, troubles, untold } = await botWords(service, settings)
    const besides = troubles.length === 0 ? {} : { troubles }
    if (damage !== null) return { found: true, because: `it ended (${because}) saying: ${damage}`, ...besides }
    const state = running === 'no' ? 'it is not running' : 'it was started again'
    if (untold !== null) return { found: null, because: `${state} (${because}), and ${untold}`, ...besides }
    return { found: false, because: `${state} (${because}), and its log says nothing of damage`, ...besides }
  },
})
