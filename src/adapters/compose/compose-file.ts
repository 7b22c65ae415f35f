/**
 * What a Compose file says of the volumes of its services. Pure.
 * Source: the Compose specification, "services" and "volumes" (docs.docker.com/reference/compose-file/services/#volumes), read 2026-11-26.
 */
import { parseDocument } from 'yaml'

export interface Holding {
  readonly service: string
  /** As it is written there. */
  readonly volume: string
}

export interface Services {
  /** Services with a volume that holds the file. */
  readonly holding: readonly Holding[]
  /** Volumes of which it cannot be told, because a variable or a home folder stands in them. */
  readonly unclear: readonly Holding[]
}

/** null: not a Compose file. `resolve`: a path as it counts from the folder of the Compose file. */
export function servicesHolding(text: string, file: string, resolve: (path: string) => string): Services | null {
  const document = parseDocument(text, { merge: true, logLevel: 'silent' })
  if (document.errors.length > 0) return null
  const services = fieldOf(document.toJS(), 'services')
  if (typeof services !== 'object' || services === null || Array.isArray(services)) return null
  const volumes = Object.entries(services).flatMap(([service, definition]) => {
    const list = fieldOf(definition, 'volumes')
    return (Array.isArray(list) ? list : []).flatMap((one: unknown) => {
      const volume = volumeOf(one)
      return volume === null ? [] : [{ service, ...volume }]
    })
  })
  const isUnclear = (source: string): boolean => source.includes('$') || source.startsWith('~')
  const told = (some: typeof volumes): readonly Holding[] => some.map(({ service, volume }) => ({ service, volume }))
  return {
    holding: told(volumes.filter(({ source }) => !isUnclear(source) && holds(resolve(source), file))),
    unclear: told(volumes.filter(({ source }) => isUnclear(source))),
  }
}

/** Only volumes that are folders or files of this host: another word before the colon is the name of a volume that Docker keeps. */
function volumeOf(value: unknown): { readonly source: string; readonly volume: string } | null {
  if (typeof value === 'string') {
    const [, source, rest] = /^((?:\$\{[^}]*\}|[^:])*)(:.*)?$/.exec(value) ?? []
    return source !== undefined && rest !== undefined && /^[./~$]/.test(source) ? { source, volume: value } : null
  }
  const source = fieldOf(value, 'source')
  if (fieldOf(value, 'type') !== 'bind' || typeof source !== 'string') return null
  return { source, volume: `${source}:${String(fieldOf(value, 'target') ?? '')}` }
}

function holds(folder: string, file: string): boolean {
  return file === folder || file.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
}
