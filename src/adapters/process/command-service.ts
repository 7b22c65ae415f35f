/**
 * The bot as a plain command. It is started in a session of its own, outlives us, and is found again by its record, its session, the
 * marker in its environment, or, when a person started it, by its command and folder. See wrapper.ts for what a crash cannot break.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { DrError, sentenceOf } from '../../errors.ts'
import type { BotLog, Service, ServiceState } from '../../ports/service.ts'
import { codeOf, makeFolder } from '../filesystem/durable.ts'
import { bootId, isGone, type ProcessFacts, readProcess } from '../proc/process-table.ts'
import { programName } from '../proc/program-name.ts'
import type { Environment } from './inherited.ts'
import { lastLines } from './log-tail.ts'
import { findMembers, type Members } from './members.ts'
import { forgetOldStarts, makeStartDurable, newestStart, readStart, recordExit, type Start, startFiles } from './starts.ts'
import { botEnvironment, markerName, wrapperExit, wrapperProgram } from './wrapper.ts'

export interface CommandServiceOptions {
  /** Program and arguments, as a shell would split them. */
  readonly command: readonly string[]
  readonly cwd: string
  /** Output and errors are appended to it. */
  readonly logFile: string
  /** Records of starts are kept in its folder `service`. */
  readonly stateFolder: string
  /** What the bot inherits, less what only this program needs. */
  readonly environment: Environment
}

// Chosen: a misspelt program, a missing module or a bad option shows within a few hundred milliseconds, and RTO counts every one.
const settleMs = 300
const registerMs = 5000
const afterKillMs = 5000
const pollMs = 20

export function commandService(options: CommandServiceOptions): Service {
  const description = `command ${programName(options.command)}`
  const bot: Bot = {
    ...options,
    description,
    folder: join(options.stateFolder, 'service'),
    marker: createHash('sha256').update(resolve(options.stateFolder)).digest('hex').slice(0, 16),
  }
  return {
    description,
    state: async () => stateOf(look(bot)),
    start: () => start(bot),
    stop: (timeoutMs) => stop(bot, timeoutMs),
    recentLog: (count) => recentLog(bot, count),
  }
}

interface Bot extends CommandServiceOptions {
  readonly description: string
  readonly folder: string
  /** Names this service on this machine. */
  readonly marker: string
}

/** null where there is no /proc: nothing can be told then. */
interface Sight {
  readonly start: Start | null
  readonly members: Members | null
}

function look(bot: Bot): Sight {
  const begun = newestStart(bot.folder)
  if (bootId() === null) return { start: begun, members: null }
  const members = findMembers({
    command: bot.command,
    cwd: realFolder(bot.cwd),
    markerPrefix: `${markerName}=${bot.marker}.`,
    start: begun,
  })
  // Read again: what ended while we looked has its exit status by now.
  return { start: begun === null ? null : readStart(bot.folder, begun.number), members }
}

function stateOf(sight: Sight): ServiceState {
  const state = stateOfOne(sight)
  const { members } = sight
  if (members === null) return state
  const bots = [...(members.ours.length === 0 ? [] : ['that of genesis-dr']), ...members.byHandRoots.map(({ pid }) => `pid ${pid}`)]
  if (bots.length < 2) return state
  const concern = `runs ${bots.length} times at once (${bots.join(', ')}): more than one bot trades`
  return { ...state, because: `${state.because}; it ${concern}`, concern }
}

function stateOfOne({ start: begun, members }: Sight): ServiceState {
  if (members === null) return { running: 'unknown', pids: [], because: 'there is no /proc here to look into', exitStatus: null }
  const { wrapper, ours, byHand } = members
  const pids = [...ours, ...byHand].map((facts) => facts.pid)
  if (pids.length === 0) return { running: 'no', pids, ...howItEnded(begun) }
  if (ours.length === 0) return { running: 'yes', pids, because: `running, started by somebody else as pid ${pids[0]}`, exitStatus: null }
  if (wrapper !== null) return { running: 'yes', pids, because: `running, started by genesis-dr as pid ${wrapper.pid}`, exitStatus: null }
  const { because, exitStatus } = howItEnded(begun)
  return { running: 'yes', pids, because: `${because}, but processes that it started remain: ${pids.join(', ')}`, exitStatus }
}

function howItEnded(begun: Start | null): Pick<ServiceState, 'because' | 'exitStatus'> {
  if (begun === null) return { because: 'no process runs this command; it was never started by genesis-dr', exitStatus: null }
  const status = begun.exitStatus
  if (status !== null)
    return { because: status > 128 ? `ended by signal ${status - 128}` : `exited with status ${status}`, exitStatus: status }
  if (begun.wrapper !== null && begun.wrapper.bootId !== bootId())
    return { because: 'the machine was restarted since it was started', exitStatus: null }
  return { because: 'ended; how is not known', exitStatus: null }
}

async function recentLog(bot: Bot, count: number): Promise<BotLog> {
  const { start, members } = look(bot)
  const unknown = (gap: string): BotLog => ({ lines: [], gap })
  if (start === null) return unknown('genesis-dr has not started it yet, so it writes elsewhere')
  if (members !== null && members.ours.length === 0 && members.byHand.length > 0)
    return unknown(`somebody else started it, so it does not write to ${bot.logFile}`)
  if (start.logFrom === null) return unknown('the record of its start does not say where in the log that was')
  const lines = await lastLines(bot.logFile, start.logFrom, count)
  return { lines: lines.map((text) => ({ text, atMs: null })), gap: null }
}

async function start(bot: Bot): Promise<ServiceState> {
  const before = look(bot)
  const state = stateOf(before)
  if (state.running === 'yes') return state
  if (state.running === 'unknown') throw notStarted(bot, state.because)
  const number = (before.start?.number ?? 0) + 1
  await makeFolder(bot.folder)
  await makeFolder(dirname(bot.logFile))
  const wrapper = spawnWrapper(bot, number)
  const registered = await registration(bot, number, wrapper)
  if (registered === 'ours') {
    await makeStartDurable(bot.folder, number)
    forgetOldStarts(bot.folder)
  } else {
    // The other wrapper has claimed this number, and writes down who it is a moment later, which on a busy machine is not at once.
    await until(registerMs, () => readStart(bot.folder, number).wrapper !== null)
  }
  await until(settleMs, () => registered === 'ours' && wrapper.ended() !== null)
  const after = look(bot)
  if (after.members?.wrapper == null) throw notStarted(bot, stateOf(after).because)
  return stateOf(after)
}

interface Wrapper {
  readonly pid: number | undefined
  /** Exit status, or the reason why it could not be started; null while it runs. */
  ended(): number | string | null
}

function spawnWrapper(bot: Bot, number: number): Wrapper {
  const { record, ended } = startFiles(bot.folder, number)
  const log = openSync(bot.logFile, 'a')
  const before = String(fstatSync(log).size)
  try {
    const child = spawn('sh', ['-c', wrapperProgram, 'genesis-dr-service', record, ended, before, ...bot.command], {
      cwd: bot.cwd,
      env: botEnvironment(bot.environment, `${bot.marker}.${number}`),
      detached: true,
      stdio: ['ignore', log, log],
    })
    let failure: string | null = null
    child.once('error', (error) => {
      failure = sentenceOf(error)
    })
    child.unref()
    return { pid: child.pid, ended: () => failure ?? child.exitCode ?? (child.signalCode === null ? null : child.signalCode) }
  } finally {
    closeSync(log)
  }
}

/**
 * Resolves when the wrapper, or that of another starter, has written its record: the bot cannot be lost any more.
 * @throws SERVICE_START_FAILED
 */
async function registration(bot: Bot, number: number, wrapper: Wrapper): Promise<'ours' | 'by another'> {
  const registered = (): boolean => wrapper.pid !== undefined && readStart(bot.folder, number).wrapper?.pid === wrapper.pid
  await until(registerMs, () => wrapper.ended() !== null || registered())
  if (registered()) return 'ours'
  if (wrapper.ended() === wrapperExit.registeredByAnother) return 'by another'
  const ended = wrapper.ended()
  if (ended === null) throw notStarted(bot, `it did not register within ${registerMs} ms`)
  throw notStarted(
    bot,
    ended === wrapperExit.notRegistered ? `its record could not be written in ${bot.folder}` : `sh, in ${bot.cwd}, ended with: ${ended}`,
  )
}

async function stop(bot: Bot, timeoutMs: number): Promise<ServiceState> {
  const asked = new Set<number>()
  await until(timeoutMs, () => {
    const members = membersOf(look(bot))
    // Asked once each, those too that were started meanwhile.
    for (const facts of members.filter(({ pid }) => !asked.has(pid))) send(facts, 'SIGTERM')
    for (const { pid } of members) asked.add(pid)
    return members.length === 0
  })
  const late = look(bot)
  if (membersOf(late).length > 0) await kill(bot, late)
  return stateOf(look(bot))
}

async function kill(bot: Bot, late: Sight): Promise<void> {
  let left = membersOf(late)
  await until(afterKillMs, () => {
    for (const facts of left) send(facts, 'SIGKILL')
    left = membersOf(look(bot))
    return left.length === 0
  })
  // The wrapper was killed with the bot, so it could not write this down.
  if (left.length === 0 && late.members?.wrapper != null && late.start !== null)
    await recordExit(bot.folder, late.start.number, killedStatus)
}

// 128 + SIGKILL.
const killedStatus = 137

function membersOf({ members }: Sight): readonly ProcessFacts[] {
  return members === null ? [] : [...members.ours, ...members.byHand]
}

/** A pid may be another process by now: its start ticks are compared right before. */
function send(facts: ProcessFacts, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (readProcess(facts.pid)?.startTicks !== facts.startTicks) return
  try {
    process.kill(facts.pid, signal)
  } catch (error) {
    // Not permitted: it stays, and the state that is answered says so.
    if (!isGone(error) && codeOf(error) !== 'EPERM') throw error
  }
}

async function until(timeoutMs: number, reached: () => boolean): Promise<void> {
  const from = performance.now()
  while (!reached() && performance.now() - from < timeoutMs) await pause(pollMs)
}

function realFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (isGone(error)) return path
    throw error
  }
}

function notStarted(bot: Bot, because: string): DrError {
  return new DrError('SERVICE_START_FAILED', {
    what: `the bot (${bot.description}) was started but does not run: ${because}`,
    untouched: 'The database and its replica were not touched.',
    next: `Look at the end of ${bot.logFile}, then start it again.`,
  })
}
