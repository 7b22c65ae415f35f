/** Units of the domain and how they are written for people. Pure. */

export const minutes = (n: number): number => n * 60_000

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/** "850 ms", "3.1 s", "12 min 5 s", "15 min", "2 h 3 min", "4 d 2 h". Input: ms, >= 0. */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const total = Math.round(ms / 1000)
  if (total < 3600) return twoUnits(Math.floor(total / 60), 'min', total % 60, 's')
  if (total < 86_400) return twoUnits(Math.floor(total / 3600), 'h', Math.floor((total % 3600) / 60), 'min')
  return twoUnits(Math.floor(total / 86_400), 'd', Math.floor((total % 86_400) / 3600), 'h')
}

function twoUnits(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** "512 B", "1.5 KiB", "676.0 MiB". */
export function formatBytes(bytes: number): string {
  if (bytes < KiB) return `${bytes} B`
  if (bytes < MiB) return `${(bytes / KiB).toFixed(1)} KiB`
  if (bytes < GiB) return `${(bytes / MiB).toFixed(1)} MiB`
  return `${(bytes / GiB).toFixed(2)} GiB`
}

/** ISO 8601 with milliseconds, UTC. Input: ms since the Unix epoch. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

/**
 * ms since the Unix epoch, and whether the zone was assumed. A time without a zone is UTC.
 * Returns null for anything that is not ISO 8601 (date, or date and time).
 */
export function parseTime(text: string): { readonly epochMs: number; readonly zoneAssumed: boolean } | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?(Z|[+-]\d{2}:?\d{2})?$/.exec(text.trim())
  if (match === null) return null
  const [, date = '', time = '00:00', zone] = match
  const full = /:\d{2}:/.test(time) ? time : `${time}:00`
  const normalZone = zone === undefined || zone === 'Z' ? 'Z' : zone.replace(/^([+-]\d{2}):?(\d{2})$/, '$1:$2')
  const epochMs = Date.parse(`${date}T${full}${normalZone}`)
  // 30 February is parsed as 2 March.
  const isDay = new Date(`${date}T00:00:00Z`).toJSON()?.startsWith(date) === true
  return Number.isNaN(epochMs) || !isDay ? null : { epochMs, zoneAssumed: zone === undefined }
}

/** "1 transaction", "2 transactions", "1,204 restore points", "3 flushes". */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith('sh') ? `${noun}es` : `${noun}s`
  return `${grouped(count)} ${count === 1 ? noun : plural}`
}

/** "1,204". */
export function grouped(count: number): string {
  return count.toLocaleString('en-US')
}
