/** Where the database goes as evidence, and whether it is there already: until then, what was found out about it may change any moment. */
import type { RunbookPorts, Scope } from './runbook.ts'

/** The database under its own name in the evidence folder. */
export function asidePath(folder: string, database: string): string {
  return `${folder}/${database.slice(database.lastIndexOf('/') + 1)}`
}

/** The database, or what there was of it, is out of reach of a bot: what was proven of it before holds from then on. */
export async function isSetAside({ files }: Pick<RunbookPorts, 'files'>, { facts, settings }: Pick<Scope, 'facts' | 'settings'>) {
  if (facts.evidence !== undefined) return true
  const folder = await files.evidenceFolder(settings.database, settings.evidenceFolder)
  return (await files.stat(asidePath(folder, settings.database))) !== null
}

/** For `expired` of a step: what it proved may change any moment, until the database is set aside. */
export const untilSetAside = async (...about: Parameters<typeof isSetAside>): Promise<boolean> => !(await isSetAside(...about))
