/**
 * The drop-in that makes systemd itself respect the halt latch: with it, neither a reboot nor a hand that types `systemctl start`
 * starts a bot whose latch stands. This room writes its text and looks whether it is in place; putting it there is another's task.
 */
import type { Run } from '../process/run-command.ts'

export interface DropIn {
  /** Where it goes. */
  readonly path: string
  readonly text: string
}

/** `unit` with or without `.service`; `latchPath` absolute. */
export function haltDropIn(unit: string, latchPath: string): DropIn {
  const name = /\.[a-z]+$/.test(unit) ? unit : `${unit}.service`
  // A percent sign begins a specifier in unit files (systemd.unit(5), read 2026-11-23).
  const text = `# Written by genesis-dr: a halted bot stays halted.\n[Unit]\nConditionPathExists=!${latchPath.replaceAll('%', '%%')}\n`
  return { path: `/etc/systemd/system/${name}.d/50-genesis-dr-halt.conf`, text }
}

export interface DropInState {
  /** 'stale': the file is there, but its content differs or systemd has not loaded it (`systemctl daemon-reload`). */
  readonly state: 'in place' | 'absent' | 'stale' | 'unknown'
  readonly because: string
}

const askMs = 5000

/** Looks only. */
export async function probeHaltDropIn(unit: string, dropIn: DropIn, run: Run): Promise<DropInState> {
  const shown = await run('systemctl', ['show', '--no-pager', '-p', 'DropInPaths,NeedDaemonReload', '--', unit], askMs)
  if (shown.status !== 0) return { state: 'unknown', because: `systemd does not answer: ${shown.stderr.trim()}` }
  const loaded = /^DropInPaths=(.*)$/m.exec(shown.stdout)?.[1]?.split(' ').includes(dropIn.path) === true
  const file = await run('cat', [dropIn.path], askMs)
  if (file.status !== 0) return { state: 'absent', because: `there is no ${dropIn.path}` }
  if (file.stdout !== dropIn.text) return { state: 'stale', because: `${dropIn.path} says something else than it should` }
  if (!loaded || /^NeedDaemonReload=yes$/m.test(shown.stdout))
    return { state: 'stale', because: 'systemd has not loaded it yet: run systemctl daemon-reload' }
  return { state: 'in place', because: `systemd has loaded ${dropIn.path}` }
}
