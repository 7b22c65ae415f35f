/** The exit statuses of the command line, as every --help shows them. Pure. */

export const exitStatuses = {
  0: 'done',
  1: 'ran and failed, or something is left over',
  2: 'usage or configuration',
  3: 'outcome unknown or unreachable: look before repeating',
  4: 'refused by a safety rule, nothing done',
  5: 'not ready, below target, or recovered but RTO/RPO missed',
  130: 'interrupted',
} as const

export type ExitStatus = keyof typeof exitStatuses
