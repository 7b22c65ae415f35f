/** What a process that we start inherits of our environment. */

export type Environment = Readonly<Record<string, string | undefined>>

// A bot that is broken into should not hold the keys of its own recovery, nor speak to its people in our name; and whatever else we start
// needs them as little.
const secretNames = ['DR_BACKUP_KEY', 'DR_FAILOVER_DNS_TOKEN', 'DR_NOTIFICATION_WEBHOOK'].flatMap((name) => [name, `${name}_FILE`])

/** Everything of `ours` but the secrets that only this program needs. */
export function inheritedOf(ours: Environment): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const [name, value] of Object.entries(ours)) if (value !== undefined && !secretNames.includes(name)) passed[name] = value
  return passed
}
