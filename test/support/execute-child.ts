/**
 * Executes DATABASE_CORRUPTION on the system of a test and kills itself at a given moment: argv is the settings as JSON, and the moment: an
 * event ("step-began find-last-good"), the first call of something that changes the world ("before files.place", "after files.place"), or
 * "never". Prints the result as JSON when it lives to the end.
 */
import { composeSystem, type SystemSettings } from '../../src/compose-system.ts'
import { execute } from '../../src/runbook/execute.ts'
import type { RunbookPorts } from '../../src/runbook/runbook.ts'
import { databaseCorruption } from '../../src/runbook/scenarios/database-corruption.ts'

const settings: SystemSettings = { ...JSON.parse(process.argv[2] ?? '{}'), environment: process.env }
const fatal = process.argv[3] ?? 'never'

function passing(moment: string): void {
  if (moment === fatal) process.kill(process.pid, 'SIGKILL')
}

/** The port as it is; each call of it is a moment before and a moment after. */
function watched<Port extends object>(name: string, port: Port): Port {
  return new Proxy(port, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function') return method
      return (...args: readonly unknown[]) => {
        passing(`before ${name}.${String(key)}`)
        const answer: unknown = Reflect.apply(method, target, args)
        const ended = <T>(value: T): T => {
          passing(`after ${name}.${String(key)}`)
          return value
        }
        return answer instanceof Promise ? answer.then(ended) : ended(answer)
      }
    },
  })
}

const { world, access } = await composeSystem(settings, 'act')
const { latch, service, files, outputs, capture } = world.ports
const ports: RunbookPorts = {
  ...world.ports,
  latch: watched('latch', latch),
  service: service === null ? null : watched('service', service),
  files: watched('files', files),
  outputs: watched('outputs', outputs),
  capture: {
    knownFile: () => capture.knownFile(),
    older: () => capture.older(),
    otherReplica: () => capture.otherReplica(),
    timelineOf: (file) => capture.timelineOf(file),
    reach: async () => {
      const captor = await capture.reach()
      return { ...captor, control: watched('control', captor.control) } as typeof captor
    },
  },
}
const outcome = await execute(
  { ...world, ports },
  {
    runbook: databaseCorruption,
    mode: 'live',
    detectedAtMs: Date.now(),
    detectedBecause: 'the test damaged it',
    approve: async () => ({ do: 'run' }),
    onEvent: (event) => {
      if ('step' in event) passing(`${event.type} ${event.step}`)
    },
    signal: new AbortController().signal,
  },
)
access.close()
process.stdout.write(`${JSON.stringify(outcome)}\n`)
