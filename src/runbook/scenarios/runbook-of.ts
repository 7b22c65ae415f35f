/** Every runbook of this version, by what the journal of a run says was asked for. Pure. */
import type { JsonObject } from '../../workflow/record.ts'
import type { Runbook } from '../runbook.ts'
import { databaseCorruption, databaseCorruptionOn, executeCommand } from './database-corruption.ts'
import { decodeRecoverOptions, recoverCommand, recoverInPlace, recoverScenario } from './recover.ts'
import { timelineOption } from './timeline-option.ts'

interface Entry {
  readonly runbook: (options: JsonObject) => Runbook
  /** The command line that begins such a run, and that goes on with it. */
  readonly command: (options: JsonObject) => string
}

const table: Readonly<Record<string, Entry>> = {
  [recoverScenario]: { runbook: (options) => recoverInPlace(decodeRecoverOptions(options)), command: recoverCommand },
  [databaseCorruption.scenario]: {
    runbook: (options) => databaseCorruptionOn(timelineOption(options)),
    command: executeCommand,
  },
}

/** null: this version has no such scenario. */
export function runbookOf(scenario: string, options: JsonObject): Runbook | null {
  return table[scenario]?.runbook(options) ?? null
}

export function commandOf(scenario: string, options: JsonObject): string {
  return table[scenario]?.command(options) ?? `genesis-dr execute --scenario ${scenario}`
}
