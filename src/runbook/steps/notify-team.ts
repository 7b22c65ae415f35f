/** Tell people; the recovery waits for a channel that does not answer, but never for long, and for no person. */
import { type RunSettings, step } from '../runbook.ts'

export const notifyTeam = step({
  name: 'notify-team',
  phase: 'immediate',
  title: 'Notify team',
  does: 'Sends one message, with your contacts and links, to every configured channel; a channel that does not answer is waited for up to 5 s, and recorded as failed.',
  effect: { kind: 'idempotent', because: 'At worst the team reads the message twice; it carries the id of the run.' },
  undo: { none: 'A message cannot be unsent.' },
  optional: true,
  needs: ['notifiers'],
  async foresee({ notifiers }) {
    const names = notifiers.map((one) => one.description)
    const because = names.length === 0 ? 'no channel is configured' : `would notify ${names.join(', ')}`
    return { outcome: 'skipped', because, evidence: {}, ...(names.length === 0 ? { notProven: ['team notified'] } : {}) }
  },
  async act({ notifiers }, { runId, scenario, mode, settings }) {
    if (notifiers.length === 0)
      return { outcome: 'skipped', because: 'no channel is configured', evidence: {}, notProven: ['team notified'] }
    const message = {
      title: `${scenario.replaceAll('_', ' ')} DETECTED on ${settings.system}`,
      body: [
        `Run ${runId} is recovering ${settings.database}. Trading is stopped. Follow it with: genesis-dr runs show ${runId}`,
        ...whomAndWhere(settings),
      ].join('\n'),
      severity: mode === 'drill' ? ('info' as const) : ('critical' as const),
      mode,
      runId,
    }
    const outcomes = await Promise.all(notifiers.map(async (one) => ({ ...(await one.notify(message)), channel: one.description })))
    const failed = outcomes.filter((one) => one.outcome === 'failed')
    const because = outcomes.map((one) => `${one.channel}: ${one.because}`).join('; ')
    if (failed.length < outcomes.length) return { outcome: 'done', because, evidence: {} }
    return { outcome: 'failed', because, evidence: {}, notProven: ['team notified'] }
  },
})

/** Whoever is woken by the message has not opened the runbook yet. */
function whomAndWhere({ contacts, links }: RunSettings): readonly string[] {
  return [
    ...(contacts.length === 0 ? [] : [`Call: ${contacts.map(({ role, reach }, at) => `${at + 1}. ${role} ${reach}`).join(', ')}`]),
    ...Object.entries(links).map(([name, url]) => `${name}: ${url}`),
  ]
}
