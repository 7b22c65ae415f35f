/**
 * What control groups and units say of the programs in them, read as data. Pure.
 * Sources: cgroups(7), systemd.unit(5) and org.freedesktop.systemd1(5), read 2026-11-26.
 */

export type Place = { readonly kind: 'unit'; readonly unit: string } | { readonly kind: 'unit of a user' | 'container' }

/** `text`: /proc/PID/cgroup. null: of no unit, as what a person started on a terminal. */
export function placeOfCgroup(text: string): Place | null {
  // systemd's own hierarchy is that of version 2, or of version 1 the one that bears its name; where both are mounted, one of them is empty.
  const paths = [/^0::(\/.*)$/m, /^\d+:name=systemd:(\/.*)$/m].map((line) => line.exec(text)?.[1] ?? '')
  return paths.map(placeOfPath).find((place) => place !== null) ?? null
}

function placeOfPath(path: string): Place | null {
  const parts = path.split('/')
  if (parts.some((part) => /^(docker|libpod|cri-containerd|crio)-[0-9a-f]{12,}\.scope$|^[0-9a-f]{64}$/.test(part)))
    return { kind: 'container' }
  const [first, second] = parts.filter((part) => part.endsWith('.service'))
  if (first?.startsWith('user@') === true) return second === undefined ? null : { kind: 'unit of a user' }
  return first === undefined ? null : { kind: 'unit', unit: first.replace(/\.service$/, '') }
}

export interface UnitText {
  /** Without `.service`. */
  readonly name: string
  readonly workingDirectory: string
  readonly execStart: string
  /** It runs this program. */
  readonly isOurs: boolean
}

/** Units of one answer of `systemctl show`, which parts them by empty lines; those that are not loaded are left out. */
export function decodeUnitTexts(output: string): readonly UnitText[] {
  return output.split(/\n\n+/).flatMap((block) => {
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(block)?.[1] ?? ''
    const name = value('Id').replace(/\.service$/, '')
    const execStart = value('ExecStart')
    if (name === '' || value('LoadState') !== 'loaded') return []
    // systemd shows a dash or an exclamation mark before a folder that may be missing.
    const workingDirectory = value('WorkingDirectory').replace(/^[-!]/, '')
    return [{ name, workingDirectory, execStart, isOurs: /genesis-dr(\.js)?"?\s+(replicate|agent)\b/.test(execStart) }]
  })
}

/** The root folder is in every path, and names nothing. */
export function namesFolder({ workingDirectory, execStart }: UnitText, folder: string): boolean {
  if (folder === '/') return false
  if (workingDirectory === folder || workingDirectory === `${folder}/`) return true
  // The URL of a database has more slashes than its path.
  return execStart
    .replace(/\/+/g, '/')
    .split(/[\s"'=;,:]+/)
    .some((word) => word === folder || word.startsWith(`${folder}/`))
}
