/** Which systemd units keep a program running: by the control group of its processes, otherwise by what the units themselves say. */
import { readFileSync } from 'node:fs'
import type { Caretakers, Unit } from '../../ports/caretakers.ts'
import { isForbidden, isGone, procFolder } from '../proc/process-table.ts'
import type { Run } from '../process/run-command.ts'
import { decodeUnitTexts, namesFolder, placeOfCgroup, type UnitText } from './unit-text.ts'

const askMs = 10_000
const shown = 'Id,LoadState,WorkingDirectory,ExecStart'

export function unitSearch(run: Run): Caretakers['units'] {
  return async (pids, folders) => {
    const places = pids.map(cgroupOf).map((text) => (text === null ? null : placeOfCgroup(text)))
    const running = new Set(places.flatMap((place) => (place?.kind === 'unit' ? [place.unit] : [])))
    const elsewhere = [...new Set(places.flatMap((place) => (place !== null && place.kind !== 'unit' ? [place.kind] : [])))]
    const among =
      elsewhere.length === 0
        ? ''
        : `; a process that has it open runs in a ${elsewhere.join(' and a ')}, which systemd of this host does not stop`
    if (running.size > 0) {
      const texts = await ask(run, [...running].sort())
      if (typeof texts === 'string') return { found: [], because: texts }
      const found = texts.filter((text) => !text.isOurs).map(({ name }): Unit => ({ name, by: 'process' }))
      if (found.length > 0) return { found, because: `by the control groups of the processes that have it open${among}` }
    }
    const listed = await run('systemctl', ['list-unit-files', '--type=service', '--no-legend', '--no-pager', '--plain'], askMs)
    if (listed.status !== 0) return { found: [], because: `systemd does not answer: ${listed.stderr.trim().split('\n')[0] ?? ''}${among}` }
    const names = listed.stdout.split('\n').flatMap((line) => /^([^\s@]+|[^\s@]+@[^\s.]+)\.service\s/.exec(line)?.[1] ?? [])
    const texts = names.length === 0 ? [] : await ask(run, names)
    if (typeof texts === 'string') return { found: [], because: texts }
    const found = texts
      .filter((text) => !text.isOurs && folders.some((folder) => namesFolder(text, folder)))
      .map(({ name }): Unit => ({ name, by: 'text' }))
    return { found, because: `${texts.length} units were looked at${among}` }
  }
}

/** Those of the units that systemd has loaded, or why it cannot be told. */
async function ask(run: Run, names: readonly string[]): Promise<readonly UnitText[] | string> {
  const units = names.map((name) => (name.endsWith('.service') ? name : `${name}.service`))
  const { status, stdout, stderr } = await run('systemctl', ['show', '--no-pager', '-p', shown, '--', ...units], askMs)
  return status === 0 ? decodeUnitTexts(stdout) : `systemd does not answer: ${stderr.trim().split('\n')[0] ?? ''}`
}

function cgroupOf(pid: number): string | null {
  try {
    return readFileSync(`${procFolder}/${pid}/cgroup`, 'utf8')
  } catch (error) {
    if (isGone(error) || isForbidden(error)) return null
    throw error
  }
}
