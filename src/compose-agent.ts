/** The agent, put together: a supervised capture, and a watch whose errands are processes of their own. */

import { takeAgentLock } from './adapters/filesystem/agent-lock.ts'
import { agentStateIn } from './adapters/filesystem/agent-state.ts'
import { databaseFiles } from './adapters/filesystem/database-files.ts'
import { makeFolder } from './adapters/filesystem/durable.ts'
import { nodeClock } from './adapters/node/clock.ts'
import { readProcess } from './adapters/proc/process-table.ts'
import { runErrand } from './adapters/process/errand-process.ts'
import type { Environment } from './adapters/process/inherited.ts'
import { entryPath } from './adapters/sandbox/sandbox.ts'
import { webhookNotifier } from './adapters/webhook/notifier.ts'
import { Agent } from './agent/agent.ts'
import type { AgentWorld, Conclusion, Errands, Rehearsal } from './agent/agent-world.ts'
import type { Look } from './agent/decide.ts'
import { watchedRunbook } from './agent/errands.ts'
import type { AgentRequest } from './cli/parts.ts'
import { openStore } from './compose-capture.ts'
import { replicateSupervised } from './compose-supervised.ts'
import type { Config } from './config.ts'
import type { Errand, ErrandOrderLine } from './errand-program.ts'
import { DrError, isDrError } from './errors.ts'
import type { DrainOutcome } from './ports/capture-control.ts'
import { minutes } from './units.ts'
import type { RunEvent } from './workflow/run.ts'

/** Chosen: as the mission says, and soon enough to be before the next trade of a calm hour. */
const lookEveryMs = 30_000
/** Chosen: a check of the user may take its minute, and a large database be read for minutes; what hangs is ended. */
const lookLimitMs = minutes(15)

/** Ends when `signal` aborts: a run is paused, then the capture flushes; what its last drain said. @throws AGENT_RUNNING, CONFIG_INVALID */
export async function runAgent(config: Config, environment: Environment, request: AgentRequest): Promise<DrainOutcome | null> {
  const { signal, onEvent, takeOver } = request
  requireService(config)
  // A replica that is not configured is said at once.
  await openStore(config)
  await makeFolder(config.stateFolder, 0o700)
  const lock = await takeAgentLock(config.stateFolder)
  try {
    const scenario = watchedRunbook.scenario
    const mayExecute = config.autoExecute.some((one) => one === scenario)
    const mayRecoverOlder = config.autoExecute.includes('DATABASE_OLDER')
    const rehearseEveryMs = minutes(config.rehearseMinutes)
    const settings = { system: config.name, scenario, mayExecute, mayRecoverOlder, lookEveryMs, rehearseEveryMs }
    const agent = await Agent.open(worldOf(config, environment), settings, onEvent)
    const stopCapture = new AbortController()
    const capture = replicateSupervised(config, {
      takeOver,
      environment,
      signal: stopCapture.signal,
      watcher: 'agent',
      onEvent: (event) => agent.heard(event),
    }).catch(async (error: unknown) => {
      if (!isDrError(error)) throw error
      await agent.captureRefused(`${error.message}. ${error.next}`)
      return null
    })
    // A run that is under way needs the capture to the end of its step.
    await Promise.all([agent.watch(signal).finally(() => stopCapture.abort()), capture])
    return await capture
  } finally {
    lock.release()
  }
}

/** Who cannot stop the bot cannot recover what it writes to. @throws CONFIG_INVALID */
function requireService({ autoExecute, service }: Config): void {
  if (autoExecute.length === 0 || service !== null) return
  throw new DrError('CONFIG_INVALID', {
    what: 'autoExecute needs "service": a bot that is stopped by hand is not recovered without a person',
    untouched: 'Nothing was done.',
    next: 'Say how the bot is stopped and started (docs/config.md: service), or take autoExecute out.',
  })
}

function worldOf(config: Config, environment: Environment): AgentWorld {
  return {
    clock: nodeClock,
    errands: errandsOf(config, environment),
    state: agentStateIn(config.stateFolder),
    notifiers: config.webhooks.map(webhookNotifier),
    pid: process.pid,
    watchProcess: (pid) => {
      const startTicks = readProcess(pid)?.startTicks ?? null
      return () => {
        const now = readProcess(pid)
        return now !== null && !now.ended && now.startTicks === startTicks
      }
    },
  }
}

function errandsOf(config: Config, environment: Environment): Errands {
  const order = (errand: Errand, signal: AbortSignal) => {
    const told: ErrandOrderLine = { config, errand }
    return { program: entryPath('errand'), told, environment, onLine: () => undefined, signal }
  }
  const aside = { priority: 'aside', limitMs: lookLimitMs } as const
  return {
    look: async (signal) => (await runErrand({ ...order({ kind: 'look' }, signal), ...aside })) as Look,
    rehearse: async (signal) => {
      // One path for all of them: what was left there when we were killed is removed by the next.
      const scratch = `${config.database}.genesis-dr-rehearsal`
      await databaseFiles.removeTemporary(scratch)
      try {
        return (await runErrand({ ...order({ kind: 'rehearse', scratch }, signal), ...aside })) as Rehearsal
      } finally {
        await databaseFiles.removeTemporary(scratch)
      }
    },
    execute: async ({ timeline, detectedAtMs, detectedBecause, onEvent, signal }) => {
      const onLine = (line: unknown): void => onEvent(line as RunEvent)
      const over = { priority: 'urgent', limitMs: null, onLine } as const
      return (await runErrand({ ...order({ kind: 'execute', timeline, detectedAtMs, detectedBecause }, signal), ...over })) as Conclusion
    },
  }
}
