/** The timeline that a run was asked for, as its journal keeps it. Pure. */
import type { JsonObject } from '../../workflow/record.ts'

/** 8 hex digits; null: none was named. */
export function timelineOption({ timeline }: JsonObject): string | null {
  return typeof timeline === 'string' ? timeline : null
}
