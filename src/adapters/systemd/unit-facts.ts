/** What `systemctl show` says of a unit, read as data. Pure. Source: org.freedesktop.systemd1(5), read 2026-11-23. */
import type { ServiceState } from '../../ports/service.ts'

export const shownProperties = [
  'LoadState',
  'ActiveState',
  'SubState',
  'Result',
  'ConditionResult',
  'MainPID',
  'ExecMainCode',
  'ExecMainStatus',
  'ControlGroup',
  'NRestarts',
  'UnitFileState',
  'ActiveEnterTimestamp',
  'ExecMainStartTimestampMonotonic',
  'InvocationID',
  'StandardOutput',
  'StandardError',
] as const

export type UnitFacts = Readonly<Record<(typeof shownProperties)[number], string>>

/** null when the output lacks what every systemd says: then nothing can be told. A property that is not there is ''. */
export function decodeUnitFacts(output: string): UnitFacts | null {
  const shown = new Map(
    output.split('\n').map((line): [string, string] => {
      const at = line.indexOf('=')
      return [line.slice(0, at), line.slice(at + 1).trim()]
    }),
  )
  if (!shown.has('LoadState') || !shown.has('ActiveState')) return null
  const facts: Partial<Record<(typeof shownProperties)[number], string>> = {}
  for (const name of shownProperties) facts[name] = shown.get(name) ?? ''
  return facts as UnitFacts
}

/** systemd does not know the unit, and nothing of it runs. (A unit file that is deleted under a running service: it runs on.) */
export function isUnknownUnit(facts: UnitFacts): boolean {
  return facts.LoadState === 'not-found' && ['inactive', 'failed'].includes(facts.ActiveState)
}

/**
 * A unit that waits to be restarted counts as running, though it has no process: systemd is about to start it. Its last exit status is
 * told then, so that a bot that crashes again and again is seen.
 */
export function stateOfUnit(facts: UnitFacts, pids: readonly number[]): ServiceState {
  const waits = facts.SubState === 'auto-restart' || facts.SubState === 'auto-restart-queued'
  const running = runningBy[facts.ActiveState] ?? 'unknown'
  const exitStatus = running === 'yes' && !waits ? null : exitStatusOf(facts)
  const restarts = /^\d+$/.test(facts.NRestarts) ? { restarts: Number(facts.NRestarts) } : {}
  return { running, pids, because: sentenceFor(facts, pids, exitStatus), exitStatus, ...restarts }
}

// A deactivating unit still has its processes; the states that are not named here are of newer versions, or between two others.
const runningBy: Partial<Record<string, ServiceState['running']>> = {
  active: 'yes',
  reloading: 'yes',
  refreshing: 'yes',
  activating: 'yes',
  deactivating: 'yes',
  inactive: 'no',
  failed: 'no',
}

/** ExecMainCode is CLD_EXITED (1), CLD_KILLED (2) or CLD_DUMPED (3); 0 when there was no end yet. */
function exitStatusOf({ ExecMainCode, ExecMainStatus }: UnitFacts): number | null {
  if (ExecMainCode === '1') return Number(ExecMainStatus)
  if (ExecMainCode === '2' || ExecMainCode === '3') return 128 + Number(ExecMainStatus)
  return null
}

function sentenceFor(facts: UnitFacts, pids: readonly number[], exitStatus: number | null): string {
  const parts = [`${facts.ActiveState} (${facts.SubState})`]
  if (facts.ActiveState === 'active' && facts.ActiveEnterTimestamp !== '') parts.push(`since ${facts.ActiveEnterTimestamp}`)
  if (exitStatus !== null) parts.push(exitStatus > 128 ? `ended by signal ${exitStatus - 128}` : `exited with status ${exitStatus}`)
  if (!['', 'success'].includes(facts.Result)) parts.push(`result: ${facts.Result}`)
  if (!['', '0'].includes(facts.NRestarts)) parts.push(`restarted ${facts.NRestarts} times`)
  if (facts.ConditionResult === 'no' && facts.ActiveState === 'inactive') parts.push('a condition of the unit does not hold')
  if (runningBy[facts.ActiveState] === 'no' && pids.length > 0) parts.push(`but processes of it remain: ${pids.join(', ')}`)
  return parts.join(', ')
}
