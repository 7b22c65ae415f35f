/** "Application crashes when accessing data". */
import { lineOfDamage } from '../line-of-damage.ts'
import { probe } from '../runbook.ts'

export const botCrashes = probe({
  name: 'bot-crashes',
  title: 'Application crashes when accessing data',
  asks: 'the service manager whether the bot ended by itself with an error, and its log whether that was damage.',
  needs: ['service'],
  async look({ service }, settings) {
    if (service === null) return { found: null, because: 'no service is configured' }
    const state = await service.state()
    if (state.running !== 'no') return { found: state.running === 'yes' ? false : null, because: state.because }
    const line = await lineOfDamage(service, settings)
    if (line !== null) return { found: true, because: `it ended (${state.because}) saying: ${line}` }
    return { found: false, because: `it is not running (${state.because}), and its log says nothing of damage` }
  },
})
