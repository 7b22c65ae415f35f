/**
 * What a Compose file says of the volumes of its services. Pure.
 * Source: the Compose specification, "services" and "volumes" (docs.docker.com/reference/compose-file/services/#volumes), read 2026-11-26.
 */
import { parseDocument } from 'yaml'

export interface Holding {
  readonly service: string
  readonly volume: string
}

/** Services with a volume that holds `file`; null: not a Compose file. `resolve`: a path as it counts from the folder of the Compose file. */
export function servicesHolding(text: string, file: string, resolve: (path: string) => string): readonly Holding[] | null {
  const document = parseDocument(text, { merge: true, logLevel: 'silent' })
  if (document.errors.length > 0) return null
  const services = fieldOf(document.toJS(), 'services')
  if (typeof services !== 'object' || services === null || Array.isArray(services)) return null
  return Object.entries(services).flatMap(([service, definition]) => {
    const volumes = fieldOf(definition, 'volumes')
    const holding = (Array.isArray(volumes) ? volumes : [])
      .map(volumeOf)
      .find((volume) => volume !== null && holds(resolve(volume.source), file))
    return holding === undefined || holding === null ? [] : [{ service, volume: holding.shown }]
  })
}

/** Volumes that are folders of this host; what a variable or the name of a volume stands for cannot be told from the file. */
function volumeOf(value: unknown): { readonly source: string; readonly shown: string } | null {
  if (typeof value === 'string') {
    const [source = '', target] = value.split(':')
    return target !== undefined && /^(\.|\/)/.test(source) && !source.includes('$') ? { source, shown: value } : null
  }
  const source = fieldOf(value, 'source')
  if (fieldOf(value, 'type') !== 'bind' || typeof source !== 'string' || source.includes('$')) return null
  return { source, shown: `${source}:${String(fieldOf(value, 'target') ?? '')}` }
}

function holds(folder: string, file: string): boolean {
  return file === folder || file.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
}
