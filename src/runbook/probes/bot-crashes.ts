/** "Application crashes when accessing data". */
import { probe } from '../runbook.ts'

export const botCrashes = probe({
  name: 'bot-crashes',
  title: 'Application crashes when accessing data',
  asks: 'the service manager whether the bot ended by itself with an error, and its log whether that was damage.',
  needs: ['service'],
  async look({ service }, { logPatterns }) {
    if (service === null) return { found: null, because: 'no service is configured' }
    const state = await service.state()
    if (state.running !== 'no') return { found: state.running === 'yes' ? false : null, because: state.because }
    const met = (await service.recentLog(50)).findLast((line) => logPatterns.some((pattern) => new RegExp(pattern, 'i').test(line)))
    if (met !== undefined) return { found: true, because: `it ended (${state.because}) saying: ${met.slice(0, 200)}` }
    return { found: false, because: `it is not running (${state.because}), and its log says nothing of damage` }
  },
})
