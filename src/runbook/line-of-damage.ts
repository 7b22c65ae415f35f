/** What the bot itself says of its database: the newest line of its log that means damage. */
import type { Service } from '../ports/service.ts'
import type { RunSettings } from './runbook.ts'

/** Chosen: what a bot writes when it dies of its database is among its last 50 lines, and an old complaint is not. */
const lines = 50
/** Chosen: enough of a line to know it by. */
const shownCharacters = 200

/** null: none of its last lines does. */
export async function lineOfDamage(service: Service, { logPatterns }: Pick<RunSettings, 'logPatterns'>): Promise<string | null> {
  const patterns = logPatterns.map((pattern) => new RegExp(pattern, 'i'))
  const met = (await service.recentLog(lines)).findLast((line) => patterns.some((pattern) => pattern.test(line)))
  return met?.slice(0, shownCharacters) ?? null
}
