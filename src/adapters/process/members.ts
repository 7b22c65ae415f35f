/** Which processes belong to a bot that is run as a plain command: ours by record, session or marker, a person's by command and folder. */
import { basename } from 'node:path'
import { bootId, commandOf, listPids, type ProcessFacts, readProcess, startedWith, workingFolderOf } from '../proc/process-table.ts'
import type { Start } from './starts.ts'

export interface Members {
  /** The wrapper of the newest start, if it lives. */
  readonly wrapper: ProcessFacts | null
  /** Everything that descends from a start of ours, the wrapper included. */
  readonly ours: readonly ProcessFacts[]
  /** Started by somebody else with the same command in the same folder, with descendants. */
  readonly byHand: readonly ProcessFacts[]
  /** Those of them that no other of them started: each is a bot of its own. */
  readonly byHandRoots: readonly ProcessFacts[]
}

export interface Wanted {
  readonly command: readonly string[]
  readonly cwd: string
  /** Beginning of the environment entry that everything of ours carries. */
  readonly markerPrefix: string
  readonly start: Start | null
}

/** This process itself is never a member, even where the bot is what started it. */
export function findMembers(wanted: Wanted): Members {
  const alive = listPids().flatMap((pid) => {
    const facts = pid === process.pid ? null : readProcess(pid)
    return facts === null || facts.ended || facts.kernelThread ? [] : [facts]
  })
  const wrapper = wrapperAmong(alive, wanted.start)
  const session = wanted.start?.wrapper
  // The number of a session stays taken while one of its processes lives, so it is ours unless its leader is another process by now.
  const sessionIsOurs = session?.bootId === bootId() && (wrapper !== null || !alive.some((facts) => facts.pid === session.pid))
  const ours = withDescendants(
    alive,
    (facts) => facts === wrapper || (sessionIsOurs && facts.sessionId === session?.pid) || startedWith(facts.pid, wanted.markerPrefix),
  )
  const others = alive.filter((facts) => !ours.includes(facts))
  const byHand = withDescendants(others, (facts) => runsCommand(facts.pid, wanted.command, wanted.cwd))
  const byHandRoots = byHand.filter((facts) => !byHand.some(({ pid }) => pid === facts.parentPid))
  return { wrapper, ours, byHand, byHandRoots }
}

function wrapperAmong(alive: readonly ProcessFacts[], start: Start | null): ProcessFacts | null {
  if (start?.wrapper == null || start.wrapper.bootId !== bootId()) return null
  const { pid, startTicks } = start.wrapper
  return alive.find((facts) => facts.pid === pid && facts.startTicks === startTicks) ?? null
}

function withDescendants(processes: readonly ProcessFacts[], belongs: (facts: ProcessFacts) => boolean): readonly ProcessFacts[] {
  const found = new Map(processes.filter(belongs).map((facts) => [facts.pid, facts]))
  for (let before = -1; before < found.size; ) {
    before = found.size
    for (const facts of processes) if (found.has(facts.parentPid)) found.set(facts.pid, facts)
  }
  return [...found.values()]
}

const interpreters = /^(python|pypy|node|deno|bun|ruby|perl|php|lua|julia|Rscript|sh|bash|dash|zsh)[\d.]*$/

function runsCommand(pid: number, command: readonly string[], cwd: string): boolean {
  const shown = commandOf(pid)
  return shown !== null && sameCommand(shown, command) && workingFolderOf(pid) === cwd
}

/**
 * The arguments that a process shows are those of `command`. The program may show as another path of the same name, and behind an
 * interpreter and its options when it is a script: `freqtrade trade` shows as `/usr/bin/python3 /usr/bin/freqtrade trade`.
 */
export function sameCommand(shown: readonly string[], command: readonly string[]): boolean {
  const [program = '', ...rest] = command
  const at = shown.length - command.length
  if (at < 0 || at > 3 || basename(shown[at] ?? '') !== basename(program)) return false
  if (at > 0 && !interpreters.test(basename(shown[0] ?? ''))) return false
  return rest.every((argument, index) => shown[at + 1 + index] === argument)
}
