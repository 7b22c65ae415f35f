/**
 * Executes DATABASE_CORRUPTION on the system of a test and kills itself at a given event: argv is the settings as JSON, and the event
 * ("step-began find-last-good"), or "never". Prints the result as JSON when it lives to the end.
 */
import { composeSystem, type SystemSettings } from '../../src/compose-system.ts'
import { execute } from '../../src/runbook/execute.ts'
import { databaseCorruption } from '../../src/runbook/scenarios/database-corruption.ts'

const settings: SystemSettings = { ...JSON.parse(process.argv[2] ?? '{}'), environment: process.env }
const fatal = process.argv[3] ?? 'never'
const { world, access } = await composeSystem(settings, 'act')
const outcome = await execute(world, {
  runbook: databaseCorruption,
  mode: 'live',
  detectedAtMs: Date.now(),
  detectedBecause: 'the test damaged it',
  approve: async () => ({ do: 'run' }),
  onEvent: (event) => {
    if ('step' in event && `${event.type} ${event.step}` === fatal) process.kill(process.pid, 'SIGKILL')
  },
  signal: new AbortController().signal,
})
access.close()
process.stdout.write(`${JSON.stringify(outcome)}\n`)
