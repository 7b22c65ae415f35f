/**
 * What to do about what was seen: nothing, look again, call a person, or start the runbook. A bot that a person stopped is never started,
 * and nothing is recovered twice for one and the same complaint. Pure.
 */
import { isPerson } from '../latch-holder.ts'
import type { AgentRun } from '../ports/agent-state.ts'
import type { LatchFacts } from '../ports/halt-latch.ts'
import type { ServiceState } from '../ports/service.ts'
import { type OlderFacts, olderText } from '../replication/capture-event.ts'
import { minutes } from '../units.ts'

/** What one look saw. */
export interface Look {
  /** Why there is damage, as a sentence; empty: no probe finds any. */
  readonly found: string
  /** All that was found was committed by somebody: a recovery gives up what came after it. */
  readonly committed: boolean
  /** What could not be told, as a sentence; empty: all of it could. */
  readonly untold: string
  /** What is wrong with the bot besides damage, each a sentence. */
  readonly troubles: readonly string[]
  /** What the replica has that the database lacks, and nobody has decided about, oldest first. */
  readonly older: readonly OlderFacts[]
  /** What the capture says is wrong with the database by what it read; null: nothing, or nobody captures. */
  readonly damage: string | null
  /** null: no service is configured. */
  readonly service: ServiceState | null
  readonly latch: LatchFacts | null
  /** A run that did not end, and that nobody executes now. */
  readonly interrupted: InterruptedRun | null
  /** Somebody executes a run now. */
  readonly running: boolean
}

export interface InterruptedRun {
  readonly runId: string
  readonly scenario: string
  /** It restores another timeline than that of the database. */
  readonly ofTimeline: boolean
  /** As whoever began it said: ms since the epoch, and a sentence. */
  readonly detectedAtMs: number
  readonly detectedBecause: string
}

export interface Situation {
  readonly look: Look
  /** The look before this one found damage too. */
  readonly foundBefore: boolean
  readonly scenario: string
  /** The configuration lets it be started without a person. */
  readonly mayExecute: boolean
  /** The same where the database is certainly older than its replica. */
  readonly mayRecoverOlder: boolean
  /** The newest run that an agent of this system began. */
  readonly lastRun: AgentRun | null
  readonly nowMs: number
}

export type Decision = { readonly because: string } & (
  | {
      /** `call`: a person has to decide, and is told once. */
      readonly do: 'nothing' | 'look-again' | 'call'
    }
  /** `timeline`: whose last good state is wanted; null: of that of the database. */
  | { readonly do: 'execute'; readonly timeline: string | null }
)

/** Chosen: as long as a run may take by its target; what is damaged again within it is not mended by a second run like the first. */
const betweenRunsMs = minutes(15)

export function decide(situation: Situation): Decision {
  const { look, foundBefore, scenario, mayExecute } = situation
  const { found, damage, interrupted, running } = look
  if (running) return { do: 'nothing', because: 'a run is under way' }
  if (interrupted !== null) return goOn(situation, interrupted)
  const older = certainlyOlder(look)
  if (found === '' && older !== null) return bringBack(situation, older)
  if (found === '') return { do: 'nothing', because: look.untold === '' ? 'no probe finds damage' : `it cannot be told: ${look.untold}` }
  if (!foundBefore && damage === null) return { do: 'look-again', because: `seen once: ${found}` }
  const command = `genesis-dr execute --scenario ${scenario}`
  const call = (why: string): Decision => ({ do: 'call', because: `${found}. ${why}: ${command}` })
  if (!mayExecute) return call(`Nothing is started by itself (autoExecute does not name ${scenario})`)
  if (look.committed) {
    return {
      do: 'call',
      because: `${found}. It was committed, so that a recovery gives up all that came after it, and the check itself may be wrong: look, then ${command}`,
    }
  }
  const why = whyNotNow(situation, found)
  return why === null ? { do: 'execute', because: found, timeline: null } : call(why)
}

/** The capture has told of it already, and it can only be told again here what keeps it from being brought back. */
function bringBack(situation: Situation, older: OlderFacts): Decision {
  const because = olderText(older)
  if (!situation.mayRecoverOlder) return { do: 'nothing', because: `${because}; autoExecute does not name DATABASE_OLDER` }
  const why = whyNotNow(situation, because)
  return why === null ? { do: 'execute', because, timeline: older.parent } : { do: 'call', because: `${because}. ${why}` }
}

/** Pages that came back to what they once were may look like it, and then it is none at least: of that, nothing is brought back. */
function certainlyOlder({ older }: Look): OlderFacts | null {
  return older.findLast(({ replica, commits }) => replica === null && commits.least !== 0) ?? null
}

/** Why an allowed run is not begun without a person; null: nothing keeps it. */
function whyNotNow({ look, lastRun, nowMs }: Situation, found: string): string | null {
  const { service, latch } = look
  if (latch !== null) return `The bot is halted by ${latch.holder} (${latch.reason}), so nothing is started by itself`
  if (service === null || !endedBadlyOrRuns(service)) {
    const bot = service === null ? 'no service is configured' : `the bot does not run (${service.because})`
    return `A person may have stopped the bot (${bot}), so nothing is started by itself`
  }
  if (lastRun !== null && lastRun.found === found) return 'It is what was found before the last run, which did not mend it'
  // Either way, because the clock may be set back; beyond that nothing is known of how long ago it was.
  if (lastRun !== null && Math.abs(nowMs - lastRun.atMs) < betweenRunsMs) return 'A run began only a while ago, and did not last'
  return null
}

/** How a run that an agent begins says why. */
export function agentSaw(found: string): string {
  return `the agent saw: ${found}`
}

/** What was found before the last run does not stand any more, as far as anybody can tell. What else stands is no reason to doubt that. */
export function isMended(look: Look, foundBefore: string): boolean {
  const { found, untold, interrupted, running } = look
  const older = certainlyOlder(look)
  return found === '' && untold === '' && interrupted === null && !running && (older === null || olderText(older) !== foundBefore)
}

/** Only a run that an agent began is gone on with by an agent: whoever paused another one had a reason. */
function goOn({ mayExecute, mayRecoverOlder, lastRun, scenario, look }: Situation, run: InterruptedRun): Decision {
  // By the words of its beginning, and not by the time of it, which comes from a clock that may be set back in between.
  const ours = lastRun?.scenario === run.scenario && lastRun.atMs === run.detectedAtMs && agentSaw(lastRun.found) === run.detectedBecause
  const stopped = look.latch !== null && isPerson(look.latch.holder)
  const may = run.ofTimeline ? mayRecoverOlder : mayExecute
  if (ours && may && run.scenario === scenario && !stopped)
    return { do: 'execute', because: `run ${run.runId} of the agent was interrupted`, timeline: null }
  return {
    do: 'call',
    because: `Run ${run.runId} of ${run.scenario} was interrupted and waits for a person: genesis-dr runs show ${run.runId}`,
  }
}

/** It runs, or it ended with an error: nobody stopped it. SIGTERM (143), SIGINT (130) and an end without an error may be a person's doing. */
function endedBadlyOrRuns({ running, exitStatus }: ServiceState): boolean {
  if (running !== 'no') return running === 'yes'
  return exitStatus !== null && ![0, 130, 143].includes(exitStatus)
}
